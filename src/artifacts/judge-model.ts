import { readFile } from 'node:fs/promises';
import { fileProblem } from '../archive/file-problem.ts';
import { asObject, parseJson, type JsonObject } from '../domain/json-tree.ts';
import { good, quarantined, type Judgement } from './artifact.ts';
import { mounts } from './mounts.ts';
import type { PendingContent } from './content-check.ts';
import { isReadSince } from './content-memory.ts';
import type { DigestMemory } from './digest-memory.ts';
import { isWebPage, readBeginning } from './file-magic.ts';
import { flatProblem, type FoundFile } from './inventory.ts';

const modelName = /^[A-Za-z0-9][\w.-]*\.(?:metadata\.json|vocab\.json|pt)$/;

const maxMetadataBytes = 1024 * 1024;

/** A model's file, judged, and what must be read before a better judgement is possible or to be sure that this one holds. */
export interface JudgedModel {
  readonly judgement: Judgement;
  readonly pending?: PendingContent;
}

/**
 * Judges a model's file among the others of its model: Elasticsearch refuses one whose size or SHA-256 its metadata doesn't
 * say, after the whole download.
 */
export const judgeModelFile = async (
  file: FoundFile,
  others: ReadonlyMap<string, FoundFile>,
  memory: DigestMemory,
): Promise<JudgedModel> => {
  const refuse = (reason: string): JudgedModel => ({ judgement: quarantined([reason]) });
  const place = flatProblem(file);
  if (place !== undefined) {
    return refuse(place);
  }
  if (!modelName.test(file.path)) {
    return refuse('is no file of a model (.metadata.json, .pt, .vocab.json)');
  }
  try {
    if (isWebPage(await readBeginning(file.absolute))) {
      return refuse('is a web page or an error message, not a part of a model');
    }
    return file.path.endsWith('.pt')
      ? await judgeWeights(file, others, memory)
      : { judgement: await judgeJson(file, others) };
  } catch (error) {
    return refuse(`cannot be read: ${fileProblem(error)}`);
  }
};

const judgeWeights = async (
  file: FoundFile,
  others: ReadonlyMap<string, FoundFile>,
  memory: DigestMemory,
): Promise<JudgedModel> => {
  const name = file.path.replace(/\.pt$/, '.metadata.json');
  const metadata = others.get(name);
  if (!metadata) {
    return {
      judgement: good({ warnings: [`has no ${name} beside it, which Elasticsearch asks for first`] }),
    };
  }
  const { size, sha256 } = (await readJson(metadata)) ?? {};
  if (typeof size === 'number' && size !== file.size) {
    return { judgement: quarantined([`has ${file.size} bytes, but ${name} says ${size}`]) };
  }
  return typeof sha256 === 'string' && /^[0-9a-f]{64}$/i.test(sha256)
    ? judgeDigest({ ...file, path: mounts.models + file.path }, name, sha256.toLowerCase(), memory)
    : { judgement: good() };
};

/** `file` has the path that it is remembered by, which is that of the address: other folders may have a file of the same name. */
const judgeDigest = (file: FoundFile, name: string, wanted: string, memory: DigestMemory): JudgedModel => {
  const pending = { file, task: { path: file.absolute, keys: [], sha256: true } };
  const digest = memory.get(file.path, file.stamp);
  const found = memory.get(`${file.path}#sha256`, file.stamp);
  if (digest === undefined || found === undefined) {
    return { judgement: { state: 'unchecked', reasons: [], warnings: [] }, pending };
  }
  const judgement =
    found === wanted
      ? good({ digest })
      : quarantined([`has the SHA-256 ${found.slice(0, 16)}…, but ${name} says ${wanted.slice(0, 16)}…`], {
          digest,
        });
  return isReadSince(file, memory) ? { judgement } : { judgement, pending };
};

const judgeJson = async (file: FoundFile, others: ReadonlyMap<string, FoundFile>): Promise<Judgement> => {
  if (!file.path.endsWith('.metadata.json')) {
    return good();
  }
  if ((await readJson(file)) === undefined) {
    return quarantined(['is no JSON object']);
  }
  const weights = file.path.replace(/\.metadata\.json$/, '.pt');
  return good(others.has(weights) ? {} : { warnings: [`has no ${weights} beside it`] });
};

const readJson = async (file: FoundFile): Promise<JsonObject | undefined> => {
  if (file.size > maxMetadataBytes) {
    return undefined;
  }
  return asObject(parseJson(await readFile(file.absolute, 'utf8')));
};

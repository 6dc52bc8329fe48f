import { readFile } from 'node:fs/promises';
import { fileProblem } from '../archive/file-problem.ts';
import { good, quarantined, type Judgement } from './artifact.ts';
import { isWebPage, magicProblem, readBeginning } from './file-magic.ts';
import type { FoundFile } from './inventory.ts';

const modelName = /^[A-Za-z0-9][\w.-]*\.(?:metadata\.json|vocab\.json|pt)$/;
const docsName = /^[A-Za-z0-9][\w.-]*\.zip$/;
const maxMetadataBytes = 1024 * 1024;

/** Models and product docs lie flat, as their clients ask for them. Undefined where nothing is wrong with place and size. */
const placeProblem = (file: FoundFile): string | undefined =>
  file.path.includes('/')
    ? 'lies in a folder; clients look for it in the folder above'
    : file.size === 0
      ? 'is empty'
      : undefined;

/** A zip of product docs for Kibana's assistant. */
export const judgeDocs = async (file: FoundFile): Promise<Judgement> => {
  const problem =
    placeProblem(file) ?? (docsName.test(file.path) ? await zipProblem(file) : 'is no zip of product docs');
  return problem === undefined ? good() : quarantined([problem]);
};

const zipProblem = async (file: FoundFile): Promise<string | undefined> => {
  try {
    return magicProblem('zip', await readBeginning(file.absolute));
  } catch (error) {
    return `cannot be read: ${fileProblem(error)}`;
  }
};

/** A model's file, judged among the others of its model: Elasticsearch refuses one whose size its metadata doesn't say. */
export const judgeModelFile = async (
  file: FoundFile,
  others: ReadonlyMap<string, FoundFile>,
): Promise<Judgement> => {
  const place = placeProblem(file);
  if (place !== undefined) {
    return quarantined([place]);
  }
  if (!modelName.test(file.path)) {
    return quarantined(['is no file of a model (.metadata.json, .pt, .vocab.json)']);
  }
  try {
    if (isWebPage(await readBeginning(file.absolute))) {
      return quarantined(['is a web page or an error message, not a part of a model']);
    }
    return file.path.endsWith('.pt') ? await judgeWeights(file, others) : await judgeJson(file, others);
  } catch (error) {
    return quarantined([`cannot be read: ${fileProblem(error)}`]);
  }
};

const judgeWeights = async (file: FoundFile, others: ReadonlyMap<string, FoundFile>): Promise<Judgement> => {
  const name = file.path.replace(/\.pt$/, '.metadata.json');
  const metadata = others.get(name);
  if (!metadata) {
    return good({ warnings: [`has no ${name} beside it, which Elasticsearch asks for first`] });
  }
  const size = (await readJson(metadata))?.['size'];
  return typeof size === 'number' && size !== file.size
    ? quarantined([`has ${file.size} bytes, but ${name} says ${size}`])
    : good();
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

const readJson = async (file: FoundFile): Promise<Readonly<Record<string, unknown>> | undefined> => {
  if (file.size > maxMetadataBytes) {
    return undefined;
  }
  const text = await readFile(file.absolute, 'utf8');
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
};

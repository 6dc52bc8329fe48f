import { countOf } from '../domain/count.ts';
import { good, quarantined, type Judgement } from './artifact.ts';
import { isDefendPath, mounts } from './mounts.ts';
import type { ContentTask } from './content-check.ts';
import { isReadSince } from './content-memory.ts';
import { readDefendManifest, type DefendFacts, type DefendManifest } from './defend-manifest.ts';
import type { DigestMemory } from './digest-memory.ts';
import { isWebPage, readBeginning } from './file-magic.ts';
import type { FoundFile } from './inventory.ts';

/** Manifests that were read, by path; a scan takes those of the one before it. */
export type KnownManifests = ReadonlyMap<
  string,
  { readonly stamp: string; readonly manifest: DefendManifest }
>;

/** The files of Elastic Defend, judged. */
export interface JudgedDefend {
  readonly judged: readonly {
    readonly file: FoundFile;
    readonly judgement: Judgement;
    /** What must be read before a better judgement is possible, or to be sure that this one still holds. */
    readonly task?: ContentTask;
  }[];
  readonly manifests: KnownManifests;
}

const manifestPath = /^endpoint\/manifest\/artifacts-[\w.+-]+\.zip$/;

/**
 * Judges what endpoints download: manifests must be such, and say what else must be here and with which size and SHA-256. All
 * need a digest, which becomes their ETag.
 */
export const judgeDefend = async (
  all: readonly FoundFile[],
  memory: DigestMemory,
  before: KnownManifests,
): Promise<JudgedDefend> => {
  const files = all.filter(({ path }) => isDefendPath(path));
  const manifests = await readManifests(files, before);
  const here = new Set(files.map(({ path }) => mounts.downloads + path));
  const judged = [];
  for (const file of files) {
    const { manifest } = manifests.get(file.path) ?? {};
    const expected = manifest ? [] : factsOf(mounts.downloads + file.path, manifests);
    const wantsSha256 = expected.some(({ sha256 }) => sha256 !== undefined);
    const judgement =
      (await formProblem(file)) ??
      manifestProblem(manifest) ??
      judgeContent(file, expected, memory, warningsOf(manifest, here));
    const isKnown = judgement.state !== 'unchecked' && isReadSince(file, memory);
    const needsTask = judgement.state === 'unchecked' || (judgement.digest !== undefined && !isKnown);
    const task = { path: file.absolute, keys: [], ...(wantsSha256 ? { sha256: true } : {}) };
    judged.push({ file, judgement, ...(needsTask ? { task } : {}) });
  }
  return { judged, manifests };
};

const readManifests = async (
  files: readonly FoundFile[],
  before: KnownManifests,
): Promise<KnownManifests> => {
  const manifests = new Map<string, { readonly stamp: string; readonly manifest: DefendManifest }>();
  for (const { path, stamp, absolute, size } of files.filter((file) => manifestPath.test(file.path))) {
    if (size > 0) {
      const known = before.get(path);
      const manifest = known?.stamp === stamp ? known.manifest : await readDefendManifest(absolute);
      manifests.set(path, { stamp, manifest });
    }
  }
  return manifests;
};

/** What each manifest says of a file. */
const factsOf = (url: string, manifests: KnownManifests): readonly DefendFacts[] =>
  [...manifests.values()].map(({ manifest }) => manifest.facts?.get(url)).filter((one) => one !== undefined);

const formProblem = async (file: FoundFile): Promise<Judgement | undefined> => {
  if (file.size === 0) {
    return quarantined(['is empty']);
  }
  const beginning = await readBeginning(file.absolute).catch(() => Buffer.alloc(0));
  return isWebPage(beginning) ? quarantined(['is a web page or an error message']) : undefined;
};

const manifestProblem = (manifest: DefendManifest | undefined): Judgement | undefined =>
  manifest?.problem === undefined ? undefined : quarantined([manifest.problem]);

const warningsOf = (manifest: DefendManifest | undefined, here: ReadonlySet<string>): readonly string[] => {
  const missing = manifest?.urls?.filter((url) => !here.has(url)) ?? [];
  return missing.length === 0
    ? []
    : [
        `refers to ${countOf(missing.length, 'file that is', 'files that are')} not here; the first is ${missing[0]}`,
      ];
};

/** Right is what one of the manifests says; several versions may refer to the same file. */
const judgeContent = (
  file: FoundFile,
  expected: readonly DefendFacts[],
  memory: DigestMemory,
  warnings: readonly string[],
): Judgement => {
  const [first] = expected;
  if (first && expected.every(({ size }) => size !== undefined && size !== file.size)) {
    return quarantined([`has ${file.size} bytes, but the manifest says ${first.size}`]);
  }
  const digest = memory.get(file.path, file.stamp);
  const sha256 = memory.get(`${file.path}#sha256`, file.stamp);
  const wanted = expected.map((facts) => facts.sha256).filter((one) => one !== undefined);
  if (digest === undefined || (wanted.length > 0 && sha256 === undefined)) {
    return { state: 'unchecked', reasons: [], warnings };
  }
  return wanted.length === 0 || wanted.includes(sha256 ?? '')
    ? good({ warnings, digest })
    : quarantined(
        [`has the SHA-256 ${sha256?.slice(0, 16)}…, but the manifest says ${wanted[0]?.slice(0, 16)}…`],
        {
          digest,
        },
      );
};

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type { JudgeRules } from '../judge/task.ts';
import type { IndexOrigin } from './index-file.ts';

/** Folders with everything that decides what is remembered of a package. */
const judgingFolders = ['archive', 'domain', 'files', 'judge', 'search', 'signing', 'source'] as const;

/** The file beside the packed program that has the digest of its judging code (scripts/pack.js writes it). */
export const judgingDigestFile = 'judging.sha256';

/**
 * What an index is made by and for. The program is told by its version and by the digest of the code that reads, judges
 * and renders packages, so that no index outlives a change of that code, whatever the version says.
 */
export async function describeOrigin(
  version: string,
  packagePaths: readonly string[],
  rules: JudgeRules,
): Promise<IndexOrigin> {
  return {
    program: describeProgram(version, await readJudgingDigest()),
    rules: JSON.stringify({ packagePaths, ...rules }),
  };
}

/** What a program of that version and judging code calls itself in an index. */
export const describeProgram = (version: string, judgingDigest: string): string =>
  `${version} ${judgingDigest.trim()}`;

/** Of the packed program, from the file beside it; of code that isn't packed, from the code itself. */
async function readJudgingDigest(): Promise<string> {
  try {
    return await readFile(new URL(judgingDigestFile, import.meta.url), 'utf8');
  } catch {
    return await digestJudgingCode(new URL('../', import.meta.url));
  }
}

/** How the index is kept and called: to be changed with either, so that an image gets no index that its program wouldn't find. */
const indexForm = 'index-RULES-PROGRAM.fleet, format 1';

/** Digest of the judging code in a folder that is laid out as src/, in hex, half as long as a SHA-256. */
export async function digestJudgingCode(source: URL): Promise<string> {
  const hash = createHash('sha256').update(indexForm);
  for (const folder of judgingFolders) {
    const url = new URL(`${folder}/`, source);
    for (const name of (await readdir(url)).filter(isCode).toSorted()) {
      hash.update(name).update(await readFile(new URL(name, url)));
    }
  }
  return hash.digest('hex').slice(0, 32);
}

const isCode = (name: string): boolean => /\.[jt]s$/.test(name);

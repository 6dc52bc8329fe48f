import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type { JudgeRules } from '../judge/task.ts';
import type { IndexOrigin } from './index-file.ts';

// Everything that decides what is remembered of a package.
const folders = ['../archive/', '../domain/', '../judge/', '../search/', '../source/'];

/**
 * What an index is made by and for. The program is told by its version and by the digest of the code that reads, judges
 * and renders packages, so that no index outlives a change of that code, whatever the version says.
 */
export async function describeOrigin(
  version: string,
  packagePaths: readonly string[],
  rules: JudgeRules,
): Promise<IndexOrigin> {
  const hash = createHash('sha256');
  for (const folder of folders) {
    const url = new URL(folder, import.meta.url);
    for (const name of (await readdir(url)).filter((item) => /\.[jt]s$/.test(item)).toSorted()) {
      hash.update(name).update(await readFile(new URL(name, url)));
    }
  }
  return {
    program: `${version} ${hash.digest('hex').slice(0, 32)}`,
    rules: JSON.stringify({ packagePaths, ...rules }),
  };
}

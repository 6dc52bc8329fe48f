import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type { JudgeRules } from '../judge/task.ts';
import type { IndexOrigin } from './index-file.ts';

/** Folders of the built program with everything that decides what is remembered of a package. */
export const judgingFolders = ['archive', 'domain', 'judge', 'search', 'signing', 'source'] as const;

/** One file of these folders. */
export interface ProgramFile {
  readonly folder: string;
  readonly name: string;
  readonly content: Uint8Array;
}

/**
 * What an index is made by and for. The program is told by its version and by the digest of the code that reads, judges
 * and renders packages, so that no index outlives a change of that code, whatever the version says.
 */
export async function describeOrigin(
  version: string,
  packagePaths: readonly string[],
  rules: JudgeRules,
): Promise<IndexOrigin> {
  const files: ProgramFile[] = [];
  for (const folder of judgingFolders) {
    const url = new URL(`../${folder}/`, import.meta.url);
    for (const name of (await readdir(url)).filter(isCode)) {
      files.push({ folder, name, content: await readFile(new URL(name, url)) });
    }
  }
  return {
    program: describeProgram(version, files),
    rules: JSON.stringify({ packagePaths, ...rules }),
  };
}

/** The program of these files; other files and other folders don't matter. */
export function describeProgram(version: string, files: readonly ProgramFile[]): string {
  const hash = createHash('sha256');
  for (const folder of judgingFolders) {
    const code = files.filter((file) => file.folder === folder && isCode(file.name));
    for (const { name, content } of code.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      hash.update(name).update(content);
    }
  }
  return `${version} ${hash.digest('hex').slice(0, 32)}`;
}

const isCode = (name: string): boolean => /\.[jt]s$/.test(name);

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

/** Real packages as zips, in a folder. */
export interface Corpus {
  readonly folder: string;
  /** Sorted by name. */
  readonly archives: readonly Archive[];
}

export interface Archive {
  /** `nginx-1.4.0.zip` */
  readonly file: string;
  readonly path: string;
  readonly bytes: number;
}

const program = resolve('..', 'shared', 'corpus', 'unpack');

/** The folder that was asked for, or the shared packages, unpacked once; undefined where there are none. */
export async function findCorpus(
  asked: string | undefined,
  kept: string,
  note: (text: string) => void,
): Promise<Corpus | undefined> {
  if (asked !== undefined) {
    return listCorpus(resolve(asked));
  }
  if (!existsSync(program)) {
    return undefined;
  }
  const folder = join(kept, 'corpus');
  await mkdir(kept, { recursive: true });
  note(`packages are unpacked to ${folder} (once, a minute or two)`);
  await promisify(execFile)(program, ['corpus', folder]);
  return listCorpus(folder);
}

async function listCorpus(folder: string): Promise<Corpus> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.zip')).toSorted();
  const archives = await Promise.all(
    names.map(async (file) => {
      const path = join(folder, file);
      return { file, path, bytes: (await stat(path)).size };
    }),
  );
  if (archives.length === 0) {
    throw new Error(`there are no packages in ${folder}`);
  }
  return { folder, archives };
}

/** At most `count` of them, taken evenly. */
export const spread = <T>(items: readonly T[], count: number): T[] =>
  items.length <= count
    ? [...items]
    : Array.from({ length: count }, (_, index) => items[Math.floor((index * items.length) / count)] as T);

import { execFile } from 'node:child_process';
import { copyFile, link, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Corpus } from './corpus.ts';
import type { Stage } from './stage.ts';

/** The corpus with signatures by a key that was made for the bench. */
export interface SignedCorpus {
  readonly folder: string;
  /** The public key, which `--keyring` takes. */
  readonly keyFile: string;
}

const run = promisify(execFile);

/** Signs what has no signature yet; kept for the next run. */
export async function signCorpus(stage: Stage): Promise<SignedCorpus> {
  const folder = join(stage.kept, 'signed');
  const key = join(stage.kept, 'signed-key', 'site.key');
  const keyFile = join(dirname(key), 'site.pub.asc');
  await mkdir(folder, { recursive: true });
  await mkdir(dirname(key), { recursive: true });
  await linkArchives(stage.corpus, folder);
  if (!(await readdir(dirname(key))).includes('site.key')) {
    await fleetDepot('sign', '--init', '--name', 'Bench', '--no-passphrase', '--key', key);
  }
  const files = new Set(await readdir(folder));
  if (stage.corpus.archives.some(({ file }) => !files.has(`${file}.sig`))) {
    stage.note(`packages are signed in ${folder} (once, a minute)`);
    await fleetDepot('sign', '--key', key, '--keyring', keyFile, folder);
  }
  return { folder, keyFile };
}

const fleetDepot = (...words: readonly string[]): Promise<unknown> =>
  run(process.execPath, ['bin/fleet-depot.js', ...words], { maxBuffer: 64 * 2 ** 20 });

async function linkArchives({ archives }: Corpus, folder: string): Promise<void> {
  const wanted = new Set(archives.map(({ file }) => file));
  const there = new Set(await readdir(folder));
  for (const file of there) {
    if (!wanted.has(file.replace(/\.sig$/, ''))) {
      await rm(join(folder, file));
    }
  }
  for (const { file, path } of archives) {
    if (!there.has(file)) {
      await linkOrCopy(path, join(folder, file));
    }
  }
}

/** A registry of plain files for nginx: the answer to `/search`, and archives with signatures at their addresses. */
export async function layOutFiles(
  stage: Stage,
  signed: SignedCorpus,
  search: string,
  paths: readonly string[],
): Promise<string> {
  const root = await stage.emptyFolder();
  await writeFile(join(root, 'search'), search);
  for (const path of paths) {
    const target = join(root, path);
    await mkdir(dirname(target), { recursive: true });
    await linkOrCopy(join(signed.folder, path.slice(path.lastIndexOf('/') + 1)), target);
  }
  return root;
}

/** A second name costs nothing, but another file system may have none. */
const linkOrCopy = (from: string, to: string): Promise<void> =>
  link(from, to).catch(() => copyFile(from, to));

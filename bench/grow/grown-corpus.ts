import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Stage } from '../stage.ts';
import { openOriginals, type Original } from './original.ts';

/** As many as the public registry has. */
export const productionVersions = 12_427;

/** Sizes that are compared. Each has the packages of the one before it. */
export const grownSizes = [1000, 5000, productionVersions, 50_000] as const;

// Small ones, so that 50,000 fit into a few gigabytes.
const maxOriginalBytes = 80_000;

/** The corpus, and as many made packages as are missing to the size of production. */
export async function productionPaths(stage: Stage): Promise<string[]> {
  return [
    stage.corpus.folder,
    ...(await grownPaths(stage, productionVersions - stage.corpus.archives.length)),
  ];
}

/** Folders with `count` made packages in all; made once and kept for the next run. */
export async function grownPaths(stage: Stage, count: number): Promise<string[]> {
  const { folder, archives } = stage.corpus;
  const ends = [...new Set([...grownSizes, productionVersions - archives.length])]
    .filter((size) => size > 0)
    .toSorted((a, b) => a - b);
  const pieces = ends
    .map((end, index) => ({ start: ends[index - 1] ?? 0, end }))
    .filter(({ end }) => end <= count);
  const small = archives.filter(({ bytes }) => bytes <= maxOriginalBytes);
  const originals = openOriginals(small);
  const paths: string[] = [];
  for (const { start, end } of pieces) {
    const path = join(stage.kept, `grown-${basename(folder)}-${archives.length}`, `${start}-${end}`);
    if (!existsSync(path)) {
      stage.note(`making ${end - start} package versions in ${path} (once)`);
      await fill(path, originals, start, end);
    }
    paths.push(path);
  }
  return paths;
}

async function fill(path: string, originals: readonly Original[], start: number, end: number): Promise<void> {
  const unfinished = `${path}.part`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  let next = start;
  const work = async (): Promise<void> => {
    while (next < end) {
      const index = next++;
      const original = originals[index % originals.length];
      await original?.writeAs(unfinished, 1 + Math.floor(index / originals.length));
    }
  };
  await Promise.all(Array.from({ length: 8 }, work));
  await rename(unfinished, path);
}

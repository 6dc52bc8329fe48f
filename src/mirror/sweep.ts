import { readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Layout } from './record/layout.ts';

/** Which parts of a folder a run has brought whole. */
export interface WholeParts {
  readonly packages: boolean;
  readonly release: boolean;
}

/** A dead owner's lock that was being set aside, or the probe of one; younger ones may be in use. */
const oldLock = /^lock\.[0-9a-f-]{36}$/;
const longestUse = 600_000;

const halfFile = /\.(?:part|part\.sig|json|new)$/;

/**
 * Deletes what runs that were cut have left in the work folder and nobody goes on with: halves of what isn't wanted any more.
 * Only for parts that are there whole; a file of a release has its path for a name, with `~`. What can't be deleted stays.
 */
export const sweepHalves = async ({ work }: Layout, { packages, release }: WholeParts): Promise<void> => {
  const names = await readdir(work).catch(() => []);
  for (const name of names.filter((one) => halfFile.test(one))) {
    if (name.includes('~') ? release : packages) {
      await unlink(join(work, name)).catch(() => {});
    }
  }
  for (const name of names.filter((one) => oldLock.test(one))) {
    const stats = await stat(join(work, name)).catch(() => undefined);
    if (stats && Date.now() - stats.mtimeMs > longestUse) {
      await unlink(join(work, name)).catch(() => {});
    }
  }
};

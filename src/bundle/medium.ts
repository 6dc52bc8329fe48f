import { statfs } from 'node:fs/promises';
import path from 'node:path';
import { DepotError } from '../domain/errors.ts';
import { errnoOf } from '../domain/system-error.ts';
import { isFull, reasonOf } from '../files/errno.ts';

/** What `statfs` tells of a disk. */
export interface DiskFacts {
  readonly type: number;
  readonly bsize: number;
  readonly blocks: number;
  readonly bavail: number;
}

/** What Linux calls FAT (statfs(2)), and one byte more than a file there can have. */
const fat = { type: 0x4d44, fileBytes: 2 ** 32 } as const;

/**
 * Throws BUNDLE_UNFIT where volumes of these sizes don't fit on the disk of the output, before hours are spent on writing them.
 * What a disk doesn't tell is left to the writing.
 */
export const refuseSmallMedium = async (
  output: string,
  volumes: readonly number[],
  look: (folder: string) => Promise<DiskFacts> = statfs,
): Promise<void> => {
  const disk = await look(path.dirname(output)).catch(() => undefined);
  if (disk === undefined || disk.blocks === 0) {
    return;
  }
  if (disk.type === fat.type && volumes.some((bytes) => bytes >= fat.fileBytes)) {
    throw unfit(output, tooLarge);
  }
  const needed = volumes.reduce((sum, bytes) => sum + bytes, 0);
  const free = disk.bavail * disk.bsize;
  if (needed > free) {
    throw unfit(output, `the bundle has ${needed} bytes, ${free} are free on that disk`);
  }
};

/** A disk that turns out to be too small while a bundle is written; any other error comes back as it is. */
export const mediumError = (output: string, error: unknown): unknown => {
  if (errnoOf(error) === 'EFBIG') {
    return unfit(output, tooLarge, error);
  }
  return isFull(error) ? unfit(output, reasonOf(error), error) : error;
};

const tooLarge = 'the file system allows no file of this size; say --volume-size 4GiB';

const unfit = (output: string, reason: string, cause?: unknown): DepotError =>
  new DepotError('BUNDLE_UNFIT', { reason: `${output}: ${reason}` }, cause);

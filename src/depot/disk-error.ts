import { DepotError } from '../domain/errors.ts';
import { writeDurably } from '../files/durable-file.ts';
import { errnoOf, isFull, reasonOf } from '../files/errno.ts';
import { fileFault } from '../files/file-fault.ts';

/** What a reader has to know beside the system's own word. */
const ways = new Map([
  ['EFBIG', 'use --volume-size'],
  ['EXDEV', 'all of a depot has to be on one'],
]);

/**
 * Turns a file system error into one of ours: DEPOT_FULL where there is no room, FILE_FAILED for the others. A DepotError and an
 * abort pass as they are.
 */
export const diskError = (target: string, error: unknown): unknown => {
  const code = errnoOf(error) ?? '';
  if (error instanceof DepotError || (!isFull(error) && !ways.has(code))) {
    return fileFault(error, target);
  }
  const way = ways.get(code);
  const reason = way === undefined ? reasonOf(error) : `${reasonOf(error)}; ${way}`;
  return code === 'EXDEV'
    ? new DepotError('FILE_FAILED', { file: target, reason }, error)
    : new DepotError('DEPOT_FULL', { path: target, reason }, error);
};

/** Replaces a small file whole. Throws as `diskError` says. */
export const writeDepotFile = async (target: string, bytes: string | Uint8Array): Promise<void> => {
  try {
    await writeDurably(target, bytes);
  } catch (error) {
    throw diskError(target, error);
  }
};

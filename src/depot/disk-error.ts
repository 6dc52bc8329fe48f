import { DepotError } from '../domain/errors.ts';
import { errnoOf } from '../domain/system-error.ts';
import { writeDurably } from '../files/durable-file.ts';
import { isFull, reasonOf } from '../files/errno.ts';
import { fileFault } from '../files/file-fault.ts';

/**
 * Turns a file system error into one of ours: DEPOT_FULL where there is no room, FILE_FAILED for the others. A DepotError and an
 * abort pass as they are.
 */
export const diskError = (target: string, error: unknown): unknown => {
  if (isFull(error)) {
    return new DepotError('DEPOT_FULL', { path: target, reason: reasonOf(error) }, error);
  }
  if (errnoOf(error) === 'EXDEV') {
    const reason = `${reasonOf(error)}; all of a depot has to be on one`;
    return new DepotError('FILE_FAILED', { file: target, reason }, error);
  }
  return fileFault(error, target);
};

/** Waits for what is done to a file or folder. Throws as `diskError` says. */
export const onDisk = <T>(target: string, work: Promise<T>): Promise<T> =>
  work.catch((error: unknown) => {
    throw diskError(target, error);
  });

/** Replaces a small file whole. Throws as `diskError` says. */
export const writeDepotFile = (target: string, bytes: string | Uint8Array): Promise<void> =>
  onDisk(target, writeDurably(target, bytes));

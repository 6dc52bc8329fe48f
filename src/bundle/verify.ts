import { bytesOf } from '../depot/file-list.ts';
import { DepotError } from '../domain/errors.ts';
import type { Bundle } from './bundle.ts';
import { contentsOf } from './manifest.ts';
import { checkingSink, readVolume } from './volume-reader.ts';

/** What was checked. */
export interface VerifiedVolume {
  readonly file: string;
  readonly number: number;
  readonly contents: number;
  readonly bytes: number;
}

/**
 * Reads every byte of the volumes that were given and writes none. A broken volume doesn't end it: all that have to be copied again
 * are told at once. Throws BUNDLE_INVALID, FILE_FAILED.
 */
export const verifyBundle = async (
  bundle: Bundle,
  progress: (bytes: number, total: number) => void,
  signal?: AbortSignal,
): Promise<VerifiedVolume[]> => {
  const volumes = bundle.volumes.map((head) => ({
    head,
    contents: contentsOf(bundle.manifest, head.number),
  }));
  const total = volumes.reduce((sum, { contents }) => sum + bytesOf(contents), 0);
  let done = 0;
  const verified: VerifiedVolume[] = [];
  const broken: DepotError[] = [];
  for (const { head, contents } of volumes) {
    const before = done;
    const fault = await readVolume(
      head,
      bundle.manifest,
      async (entry, chunks, fail) => {
        await checkingSink(entry, chunks, fail);
        progress((done += entry.size), total);
      },
      signal,
    ).then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof DepotError && error.code === 'BUNDLE_INVALID') {
          return error;
        }
        throw error;
      },
    );
    if (fault !== undefined) {
      broken.push(fault);
      done = before + bytesOf(contents);
      continue;
    }
    verified.push({
      file: head.file,
      number: head.number,
      contents: contents.length,
      bytes: bytesOf(contents),
    });
  }
  refuseBroken(broken);
  return verified;
};

const refuseBroken = ([first, ...others]: readonly DepotError[]): void => {
  if (first === undefined) {
    return;
  }
  const { file, reason } = first.details;
  throw others.length === 0
    ? first
    : new DepotError('BUNDLE_INVALID', {
        ...first.details,
        file: `${file}`,
        reason: `${reason}; broken as well: ${others.map((one) => one.details['file']).join(', ')}`,
      });
};

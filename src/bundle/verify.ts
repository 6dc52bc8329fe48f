import { bytesOf } from '../depot/file-list.ts';
import { DepotError } from '../domain/errors.ts';
import type { Bundle } from './bundle.ts';
import { contentsOf } from './manifest.ts';
import type { VolumeHead } from './volume-head.ts';
import { checkingSink, readVolume, type ContentSink } from './volume-reader.ts';

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
  const volumes = bundle.volumes.map((head) => {
    const contents = contentsOf(bundle.manifest, head.number);
    return { head, contents: contents.length, bytes: bytesOf(contents) };
  });
  const total = volumes.reduce((sum, { bytes }) => sum + bytes, 0);
  let before = 0;
  const verified: VerifiedVolume[] = [];
  const broken: DepotError[] = [];
  for (const { head, contents, bytes } of volumes) {
    let done = before;
    const fault = await faultOf(head, bundle, (size) => progress((done += size), total), signal);
    before += bytes;
    if (fault === undefined) {
      verified.push({ file: head.file, number: head.number, contents, bytes });
    } else {
      broken.push(fault);
    }
  }
  refuseBroken(broken);
  return verified;
};

/** What is wrong with a volume; undefined where it is whole. Throws FILE_FAILED. */
const faultOf = async (
  head: VolumeHead,
  { manifest }: Bundle,
  advance: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<DepotError | undefined> => {
  const sink: ContentSink = async (entry, chunks, fail) => {
    await checkingSink(entry, chunks, fail);
    advance(entry.size);
  };
  try {
    await readVolume(head, manifest, sink, signal);
    return undefined;
  } catch (error) {
    if (error instanceof DepotError && error.code === 'BUNDLE_INVALID') {
      return error;
    }
    throw error;
  }
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

import { bytesOf } from '../depot/file-list.ts';
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

/** Reads every byte of the volumes that were given and writes none. Throws BUNDLE_INVALID, FILE_FAILED. */
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
  for (const { head, contents } of volumes) {
    await readVolume(
      head,
      bundle.manifest,
      async (entry, chunks, fail) => {
        await checkingSink(entry, chunks, fail);
        progress((done += entry.size), total);
      },
      signal,
    );
    verified.push({
      file: head.file,
      number: head.number,
      contents: contents.length,
      bytes: bytesOf(contents),
    });
  }
  return verified;
};

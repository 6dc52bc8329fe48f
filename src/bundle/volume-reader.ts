import { readTar, type TarEntry } from '../archive/tar-reader.ts';
import { diskError } from '../depot/disk-error.ts';
import { printable } from '../depot/entry-path.ts';
import { namedChunks } from '../depot/named-chunks.ts';
import { checkChunks } from '../depot/verified-chunks.ts';
import { contentsOf, type BundleEntry, type BundleManifest } from './manifest.ts';
import { failing, readSmall, type Fail, type VolumeHead } from './volume-head.ts';
import { contentName, formatVolumeHeader, volumeEntries } from './volume.ts';

/** Gets each content of a volume, in order; `chunks` throw at their end where size or digest are wrong. */
export type ContentSink = (
  entry: BundleEntry,
  chunks: AsyncIterable<Uint8Array>,
  fail: Fail,
) => Promise<void>;

/**
 * Reads a whole volume against the manifest: exactly the entries that belong there, in their order, and no byte beside them.
 * The first wrong thing ends it. Throws BUNDLE_INVALID, FILE_FAILED, and what the sink throws.
 */
export const readVolume = async (
  head: VolumeHead,
  manifest: BundleManifest,
  sink: ContentSink,
  signal?: AbortSignal,
): Promise<void> => {
  const { file } = head;
  const fail = failing(file);
  const expected = [
    ...headEntries(head, fail),
    pageEntry(manifest, fail),
    ...contentsOf(manifest, head.number).map((content) => contentEntry(file, content, sink, fail)),
  ];
  let at = 0;
  try {
    for await (const entry of readTar(file, fail, signal)) {
      const wanted = expected[at];
      if (wanted === undefined || entry.name !== wanted.name) {
        throw fail(misplaced(entry.name, expected, at));
      }
      await wanted.take(entry);
      at += 1;
    }
  } catch (error) {
    throw diskError(file, error);
  }
  const missing = expected[at];
  if (missing !== undefined) {
    throw fail(`the entry ${missing.name} is missing`);
  }
};

/** An entry that belongs into a volume, and what is done with it. */
interface ExpectedEntry {
  readonly name: string;
  take(entry: TarEntry): Promise<void>;
}

/** What was read before has to come again. */
const headEntries = (head: VolumeHead, fail: Fail): readonly ExpectedEntry[] => {
  const again: readonly (readonly [string, Buffer | undefined])[] = [
    [volumeEntries.header, Buffer.from(formatVolumeHeader(head))],
    [volumeEntries.manifest, head.manifest],
    [volumeEntries.signature, head.signature],
  ];
  return again.flatMap(([name, bytes]) =>
    bytes === undefined
      ? []
      : {
          name,
          async take(entry) {
            if (!(await readSmall(entry, name, fail)).equals(bytes)) {
              throw fail('it changed while it was read');
            }
          },
        },
  );
};

const pageEntry = ({ page }: BundleManifest, fail: Fail): ExpectedEntry => ({
  name: volumeEntries.page,
  async take(entry) {
    refuseSize(entry, page.size, fail);
    await checkChunks(entry.chunks, page, (reason) => fail(`${entry.name}: ${reason}`));
  },
});

const contentEntry = (file: string, content: BundleEntry, sink: ContentSink, fail: Fail): ExpectedEntry => ({
  name: contentName(content.sha256),
  async take(entry) {
    refuseSize(entry, content.size, fail);
    await sink(content, namedChunks(file, entry.chunks), (reason) =>
      fail(`${content.path} (${entry.name}): ${reason}`),
    );
  },
});

/** A sink that only checks. */
export const checkingSink: ContentSink = (entry, chunks, fail) => checkChunks(chunks, entry, fail);

const refuseSize = (entry: TarEntry, size: number, fail: Fail): void => {
  if (entry.size !== size) {
    throw fail(`${entry.name} claims ${entry.size} bytes, the manifest says ${size}`);
  }
};

const misplaced = (name: string, expected: readonly ExpectedEntry[], at: number): string => {
  const shown = `the entry "${printable(name)}"`;
  if (name.startsWith('/')) {
    return `${shown} has an absolute name`;
  }
  if (name.split('/').includes('..')) {
    return `${shown} leads out of the folder`;
  }
  const place = expected.findIndex((one) => one.name === name);
  if (place >= 0 && place < at) {
    return `${shown} is there twice`;
  }
  if (place < 0) {
    return `${shown} is not in the manifest of this volume`;
  }
  return `${shown} comes where ${expected[at]?.name ?? 'the end'} should be`;
};

import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { openRandomFile } from '../../archive/random-file.ts';
import { unpackBytes } from '../../archive/zip-content.ts';
import { readStoredBytes } from '../../archive/zip-stored.ts';
import { readZipDirectory, type ZipLimits } from '../../archive/zip-directory.ts';
import { writeZip } from '../../archive/zip-writer.ts';
import { DepotError, messageOf } from '../../domain/errors.ts';
import { fileFault } from '../../files/file-fault.ts';
import { cutScreenshots, type CutManifest } from './manifest-cut.ts';
import type { WantedItem } from '../planning/plan.ts';
import { cutImages } from './readme-cut.ts';

/** Told of a package by its id, and why it is as it is. */
export type OnWarning = (id: string, reason: string) => void;

/** Writes the archive anew without screenshots; false where it has none, or keeps them. The same archive always gives the same bytes. */
export async function writeStripped(
  item: WantedItem,
  from: string,
  to: string,
  limits: ZipLimits,
  onWarning: OnWarning,
): Promise<boolean> {
  const file = await openRandomFile(from, item.id, false);
  try {
    const { files } = await readZipDirectory(file, limits);
    const top = `${item.name}-${item.version}`;
    const read = async (path: string): Promise<Buffer> => {
      const entry = files.get(`${top}/${path}`);
      if (entry === undefined) {
        throw new DepotError('ARCHIVE_MISMATCH', { file: `${item.id}.zip`, reason: `it has no ${path}` });
      }
      return unpackBytes(await readStoredBytes(file, entry), entry);
    };
    const cut = await cutManifest(item, () => read('manifest.yml'), onWarning);
    if (cut === undefined) {
      return false;
    }
    const gone = new Set(cut.files);
    const inputs = [...files.keys()]
      .map((path) => path.slice(top.length + 1))
      .filter((path) => !gone.has(path))
      .map((path) => ({
        path,
        read: async () =>
          path === 'manifest.yml' ? cut.manifest : withoutImages(await read(path), path, gone),
      }));
    await pipeline(writeZip(top, inputs), createWriteStream(to, { flush: true }));
    return true;
  } catch (error) {
    await rm(to, { force: true });
    throw error instanceof DepotError ? error : fileFault(error, to);
  } finally {
    await file.close();
  }
}

/** Undefined where there is nothing to cut, or it can't be. */
const cutManifest = async (
  { id }: WantedItem,
  read: () => Promise<Buffer>,
  onWarning: OnWarning,
): Promise<CutManifest | undefined> => {
  try {
    return cutScreenshots(await read());
  } catch (error) {
    if (error instanceof DepotError) {
      throw error;
    }
    onWarning(id, `it keeps its screenshots: ${messageOf(error)}`);
    return undefined;
  }
};

/** A readme doesn't show what is gone. */
const withoutImages = (bytes: Buffer, path: string, gone: ReadonlySet<string>): Buffer => {
  const text = /^docs\/.*\.md$/i.test(path) ? bytes.toString('utf8') : '';
  const shown = cutImages(text, path, gone);
  // What is no UTF-8 would not come back as it was.
  return shown === text || !Buffer.from(text).equals(bytes) ? bytes : Buffer.from(shown);
};

import { Readable, type PassThrough } from 'node:stream';
import { ZipFile } from 'yazl';
import { compareBytes } from './byte-order.ts';

/** A file that goes into an archive. */
export interface ZipInput {
  /** Path below the top folder, with `/`. */
  readonly path: string;
  /** Asked when its turn comes, so that one file at a time is in memory. */
  read(): Promise<Uint8Array>;
}

// The DOS time of an entry is written in local time, so noon of a local day gives the same bytes in every time zone.
const entryTime = (): Date => new Date(1980, 0, 1, 12, 0, 0);

const fileMode = 0o100644;

/**
 * An archive with one top folder, deflated, without entries for folders. The same inputs give the same bytes whatever
 * their order, the time, the time zone or the owner of the files. An input that fails destroys the stream with its error.
 */
export const writeZip = (topFolder: string, inputs: Iterable<ZipInput>): Readable => {
  const zip = new ZipFile();
  const options = { mtime: entryTime(), mode: fileMode, forceDosTimestamp: true, compressionLevel: 6 };
  // yazl's type is the bare interface of old; the stream is a PassThrough.
  const output = zip.outputStream as PassThrough;
  zip.on('error', (error: Error) => output.destroy(error));
  for (const input of [...inputs].toSorted((a, b) => compareBytes(a.path, b.path))) {
    zip.addReadStreamLazy(`${topFolder}/${input.path}`, options, (done) => {
      const pieces = async function* (): AsyncGenerator<Uint8Array> {
        yield await input.read();
      };
      const content = Readable.from(pieces(), { objectMode: false });
      content.on('error', (error) => zip.emit('error', error));
      done(null, content);
    });
  }
  zip.end();
  return output;
};

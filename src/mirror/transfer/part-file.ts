import { closeSync, constants, fstatSync, fsync, open, write } from 'node:fs';
import { promisify } from 'node:util';
import { fileFault } from '../../files/file-fault.ts';

/** A file that is on the disk whole; both numbers outlive its renaming. */
export interface WrittenFile {
  readonly mtimeMs: number;
  readonly ino: number;
}

/** A file that grows while its content comes. */
export interface PartFile {
  /** Adds bytes at the end; they have to stay as they are until the file is finished or given up. */
  add(bytes: Buffer): void;
  /** Resolves when all is on the disk. Throws DepotError DISK_FULL or FILE_FAILED. */
  finish(): Promise<WrittenFile>;
  /** Leaves what was added. Throws as `finish` does. */
  leave(): Promise<void>;
}

const openLater = promisify(open);
const writeLater = promisify(write);
const syncLater = promisify(fsync);

/** Starts a file anew. Plain descriptors: thousands of files are written, and the objects around them cost as much again. */
export function startPart(file: string): PartFile {
  let size = 0;
  const opening = openLater(file, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, 0o644);
  let last: Promise<unknown> = opening;
  // Who finishes is told.
  opening.catch(() => {});
  const end = async (isWhole: boolean): Promise<WrittenFile> => {
    try {
      const descriptor = await opening;
      try {
        await last;
        if (isWhole) {
          await syncLater(descriptor);
        }
        const { mtimeMs, ino } = fstatSync(descriptor);
        return { mtimeMs, ino };
      } finally {
        closeSync(descriptor);
      }
    } catch (error) {
      throw fileFault(error, file);
    }
  };
  return {
    add(bytes) {
      const position = size;
      size += bytes.length;
      last = last.then(async () => writeAll(await opening, bytes, position));
      last.catch(() => {});
    },
    finish: () => end(true),
    async leave() {
      await end(false);
    },
  };
}

/** Writes a whole file. Resolves when it is on the disk; throws as `PartFile.finish`. */
export function writePart(file: string, content: Buffer): Promise<WrittenFile> {
  const part = startPart(file);
  part.add(content);
  return part.finish();
}

async function writeAll(descriptor: number, bytes: Buffer, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await writeLater(descriptor, bytes, at, bytes.length - at, position + at);
    at += bytesWritten;
  }
}

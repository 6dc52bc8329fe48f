import { DepotError, type ErrorCode } from '../domain/errors.ts';
import { errnoOf, isGone } from '../domain/system-error.ts';
import type { ServedFile } from '../source/source.ts';

/** Told of what the index has and the disk doesn't give. */
export interface DiskNews {
  /** Something is another than when it was indexed: the index is to look. Doesn't wait for it. */
  refresh(): void;
  /** FILE_UNREADABLE or SOURCE_LOST: it was and is there, but can't be read now. */
  unreadable(error: DepotError): void;
}

/** What clients are answered where a file doesn't come. */
export interface FileAnswers {
  /** 404: it was removed since it was indexed. */
  readonly gone: ErrorCode;
  /** 503: it was written over. */
  readonly changed: ErrorCode;
  /** 503: the disk doesn't give it. */
  readonly unreadable: ErrorCode;
}

/** The answers for files of packages. */
export const packageAnswers = (gone: ErrorCode): FileAnswers => ({
  gone,
  changed: 'ARCHIVE_CHANGED',
  unreadable: 'PACKAGE_UNREADABLE',
});

/**
 * What opening and reading a file gives. What is indexed but gone by now is absent, not broken, and the index is asked to look. What
 * can't be read now, or is gone with the whole package path, is there for all that the server knows: Kibana takes a 404 for "there
 * is no such package". Everything else goes up as it is.
 */
export async function foundOr<T>(answers: FileAnswers, news: DiskNews, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (!isOfDisk(error)) {
      throw error;
    }
    if (error.code === 'FILE_UNREADABLE' && isGone(error)) {
      news.refresh();
      throw new DepotError(answers.gone, {}, error);
    }
    if (error.code === 'FILE_UNREADABLE' && errnoOf(error.cause) === undefined) {
      news.refresh();
      throw new DepotError(answers.changed, {}, error);
    }
    news.unreadable(error);
    throw new DepotError(answers.unreadable, {}, error);
  }
}

/** The file, which tells of a disk that fails in the middle: the client is cut off then and learns nothing. */
export function tellingFaults(file: ServedFile, news: DiskNews): ServedFile {
  const { readInto } = file;
  if (readInto === undefined) {
    return file;
  }
  const tell = (error: unknown): void => {
    if (isOfDisk(error) && errnoOf(error.cause) !== undefined) {
      news.unreadable(error);
    }
  };
  return {
    ...file,
    readInto: (...place) => {
      const reading = readInto(...place);
      reading.catch(tell);
      return reading;
    },
  };
}

const isOfDisk = (error: unknown): error is DepotError =>
  error instanceof DepotError && (error.code === 'FILE_UNREADABLE' || error.code === 'SOURCE_LOST');

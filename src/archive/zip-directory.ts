import { fromRandomAccessReaderPromise, type Entry, type ZipFile } from 'yauzl';
import { DepotError } from '../domain/errors.ts';
import { decodeEntryName, entryNameProblem, quoteName } from './entry-names.ts';
import { tooLarge, tooMany } from './limits.ts';
import type { RandomFile } from './random-file.ts';
import { checkEntryAttributes } from './zip-attributes.ts';
import { ZipTailReader } from './zip-tail-reader.ts';

/** Bounds of what an archive may hold; see ArchiveLimits of the sources. */
export interface ZipLimits {
  readonly maxEntries: number;
  readonly maxEntryBytes: number;
  readonly maxTotalBytes: number;
  /** Counts for entries above 1 MiB only: short texts of blanks compress as well as any bomb. */
  readonly maxRatio: number;
}

/** A file of an archive, as its directory declares it. */
export interface ZipEntry {
  readonly path: string;
  /** Bytes, uncompressed. */
  readonly size: number;
  readonly crc32: number;
  readonly compressedSize: number;
  /** 0 is stored, 8 deflated; there are no others here. */
  readonly method: number;
  /** Where its local header begins. */
  readonly offset: number;
  /** Where the next entry or the directory begins: its data must end before. */
  readonly end: number;
}

/** What an archive holds. */
export interface ZipDirectory {
  readonly files: ReadonlyMap<string, ZipEntry>;
  /** Declared or implied, without trailing slash. */
  readonly folders: ReadonlySet<string>;
  /** Those of them that have an entry. */
  readonly declaredFolders: ReadonlySet<string>;
}

/** Entries up to this size may have any ratio. */
const ratioFreeBytes = 1024 * 1024;

const endRecords: readonly (number | undefined)[] = [0x06054b50, 0x06064b50];

const invalid = (reason: string, cause?: unknown): DepotError =>
  new DepotError('ZIP_INVALID', { reason }, cause);

/**
 * Reads and judges the directory of an archive; nothing is inflated. Throws ZIP_INVALID or LIMIT_EXCEEDED for
 * whatever yauzl refuses and for more: see the checks below.
 */
export const readZipDirectory = async (
  file: Pick<RandomFile, 'size' | 'read'>,
  limits: ZipLimits,
): Promise<ZipDirectory> => {
  if (file.size === 0) {
    throw invalid('the file is empty');
  }
  const reader = await ZipTailReader.open(file);
  const zip = await openEnd(reader, file.size);
  if (zip.entryCount > limits.maxEntries) {
    throw tooMany('the number of entries', zip.entryCount, limits.maxEntries);
  }
  const start = cursorOf(zip);
  await reader.growTo(start);
  const collected = collector(limits);
  walk(zip, (entry) => collected.add(entry));
  // Entries behind the declared number would be seen by readers that go on until the end record.
  if (!endRecords.includes(reader.signatureAt(cursorOf(zip)))) {
    throw invalid(
      'its directory does not end where its end record begins: the number of entries is a lie, or bytes are missing',
    );
  }
  return collected.finish(start);
};

const openEnd = async (reader: ZipTailReader, size: number): Promise<ZipFile> => {
  try {
    return await fromRandomAccessReaderPromise(reader, size, { autoClose: false, decodeStrings: false });
  } catch (error) {
    if (error instanceof DepotError) {
      throw error;
    }
    const text = error instanceof Error ? error.message : String(error);
    throw text.includes('record signature not found')
      ? invalid('it is not a zip file, or it is cut off: the record at its end is missing', error)
      : invalid(`the record at its end is damaged: ${text}`, error);
  }
};

// yauzl keeps its place in the directory here; the types have it as a boolean.
const cursorOf = (zip: ZipFile): number => Number(zip.readEntryCursor);

/** With the directory in memory yauzl calls back at once, so that a loop drives it without a promise for each entry. */
const walk = (zip: ZipFile, visit: (entry: Entry) => void): void => {
  let failure: Error | undefined;
  let seen = 0;
  let isOver = false;
  zip.on('error', (error: Error) => {
    failure ??= error;
  });
  zip.on('entry', (entry: Entry) => {
    if (!isOver) {
      seen += 1;
      visit(entry);
    }
  });
  try {
    for (let wanted = 1; wanted <= zip.entryCount; wanted += 1) {
      zip.readEntry();
      if (failure !== undefined) {
        throw invalid(
          `its directory is damaged at entry ${wanted} of ${zip.entryCount}: ${failure.message}`,
          failure,
        );
      }
      // yauzl puts off only one case: nothing to read behind the fixed part of a record.
      if (seen !== wanted) {
        throw invalid(`entry ${wanted} of ${zip.entryCount} has no name`);
      }
    }
  } finally {
    isOver = true;
  }
};

interface Collector {
  add(entry: Entry): void;
  finish(directoryStart: number): ZipDirectory;
}

const collector = (limits: ZipLimits): Collector => {
  const files = new Map<string, ZipEntry & { end: number }>();
  const folders = new Set<string>();
  const spans: { offset: number; least: number; path: string; entry: { end: number } }[] = [];
  let total = 0;
  let isSorted = true;

  const addFolder = (path: string): void => {
    for (let folder = path; !folders.has(folder); folder = folder.slice(0, folder.lastIndexOf('/'))) {
      if (files.has(folder)) {
        throw invalid(`${quoteName(folder)} is a file and a folder at once`);
      }
      folders.add(folder);
      if (folders.size + files.size > limits.maxEntries) {
        throw tooMany('the number of files and folders', `more than ${limits.maxEntries}`, limits.maxEntries);
      }
      if (!folder.includes('/')) {
        return;
      }
    }
  };

  const declaredFolders = new Set<string>();

  return {
    add: (raw) => {
      const name = decodeEntryName(rawName(raw));
      if (name === undefined) {
        throw invalid(`the name of entry ${quoteName(rawName(raw).toString('latin1'))} is not UTF-8`);
      }
      const isFolder = name.endsWith('/');
      const path = isFolder ? name.slice(0, -1) : name;
      const problem = entryNameProblem(path) ?? checkEntryAttributes(raw, isFolder);
      if (problem !== undefined) {
        throw invalid(`entry ${quoteName(name)} ${problem}`);
      }
      checkSizes(raw, name, limits);
      total += raw.uncompressedSize;
      if (total > limits.maxTotalBytes) {
        throw tooLarge(
          'the unpacked size of all entries',
          `more than ${limits.maxTotalBytes}`,
          limits.maxTotalBytes,
        );
      }
      const offset = raw.relativeOffsetOfLocalHeader;
      const entry = {
        path,
        size: raw.uncompressedSize,
        crc32: raw.crc32,
        compressedSize: raw.compressedSize,
        method: raw.compressionMethod,
        offset,
        end: 0,
      };
      isSorted &&= offset >= (spans.at(-1)?.offset ?? 0);
      spans.push({ offset, least: offset + 30 + raw.fileNameLength + raw.compressedSize, path, entry });
      if (files.has(path) || (isFolder && declaredFolders.has(path))) {
        throw invalid(`there are two entries named ${quoteName(path)}`);
      }
      if (isFolder) {
        declaredFolders.add(path);
        addFolder(path);
        return;
      }
      if (folders.has(path)) {
        throw invalid(`${quoteName(path)} is a file and a folder at once`);
      }
      files.set(path, entry);
      const slash = path.lastIndexOf('/');
      if (slash > 0) {
        addFolder(path.slice(0, slash));
      }
    },
    finish: (directoryStart) => {
      if (!isSorted) {
        spans.sort((a, b) => a.offset - b.offset);
      }
      let next = directoryStart;
      for (const span of spans.toReversed()) {
        if (span.least > next) {
          throw invalid(
            next === directoryStart
              ? `the data of entry ${quoteName(span.path)} would reach into the directory: the file is cut off, or its sizes lie`
              : `the data of entry ${quoteName(span.path)} overlaps that of another entry`,
          );
        }
        span.entry.end = next;
        next = span.offset;
      }
      return { files, folders, declaredFolders };
    },
  };
};

// With decodeStrings: false yauzl leaves names as their bytes.
const rawName = (entry: Entry): Buffer => entry.fileNameRaw;

const checkSizes = (raw: Entry, name: string, limits: ZipLimits): void => {
  const { uncompressedSize: size, compressedSize } = raw;
  if (size > limits.maxEntryBytes || compressedSize > limits.maxEntryBytes) {
    throw tooLarge(
      `the size of entry ${quoteName(name)}`,
      Math.max(size, compressedSize),
      limits.maxEntryBytes,
    );
  }
  if (size > ratioFreeBytes && size > limits.maxRatio * compressedSize) {
    throw tooMany(
      `the compression ratio of entry ${quoteName(name)}`,
      compressedSize === 0 ? 'infinite' : Math.ceil(size / compressedSize),
      limits.maxRatio,
    );
  }
};

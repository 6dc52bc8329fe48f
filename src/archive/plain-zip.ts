import type { ZipEntry, ZipLimits } from './zip-directory.ts';

/** A file of an archive in memory, and where its data begins. */
export interface PlainFile extends ZipEntry {
  readonly dataStart: number;
}

export interface PlainZip {
  readonly files: readonly PlainFile[];
  /** Declared or implied, without trailing slash. */
  readonly folders: ReadonlySet<string>;
}

const endRecord = 0x06054b50;
const endRecordBytes = 22;
const zip64Locator = 0x07064b50;
const zip64LocatorBytes = 20;
const directoryHeader = 0x02014b50;
const directoryHeaderBytes = 46;
const localHeader = 0x04034b50;
const localHeaderBytes = 30;
/** How hard the writer tried, sizes behind the data, names in UTF-8: the flags that change nothing here. */
const harmlessFlags = 0x080e;
const lateSizes = 0x0008;
const largestPlain = 0xfffffffe;
/** Every entry may have any ratio up to this size; see `readZipDirectory`. */
const ratioFreeBytes = 1024 * 1024;
const maxNameBytes = 255;
const maxDepth = 16;

const slash = 0x2f;
const dot = 0x2e;
/** Bytes of plain names: 1 for a letter, a digit and most marks of ASCII, 2 for a dot, 3 for a slash; 0 for all others. */
const kinds = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte === dot || byte === slash) {
    return byte === dot ? 2 : 3;
  }
  return /[\w@+~,=()[\]{}#%&!$ -]/.test(String.fromCharCode(byte)) && byte < 0x80 ? 1 : 0;
});

/** Whether a name is plain ASCII and no segment of it is empty, "." or ".."; a folder's ends with one slash. */
function isPlainName(bytes: Buffer, start: number, end: number): boolean {
  // Of the segment so far: how many bytes it has, and how many of them are dots.
  let length = 0;
  let dots = 0;
  for (let at = start; at < end; at++) {
    const kind = kinds[bytes[at] as number];
    if (kind === 3) {
      if (length === 0 || (dots === length && length <= 2)) {
        return false;
      }
      length = 0;
      dots = 0;
    } else if (kind === 0) {
      return false;
    } else {
      length += 1;
      dots += kind === 2 ? 1 : 0;
    }
  }
  return length === 0 || dots !== length || length > 2;
}

/**
 * Reads directory and local headers of an archive that is as ordinary as nearly all are; undefined for any other, and
 * for whatever is wrong: `readZipDirectory` and `readStoredBytes` then have the say. What is taken here they take too,
 * with the same result; but nothing is made for each entry but its name and place.
 */
export function readPlainZip(bytes: Buffer, limits: ZipLimits): PlainZip | undefined {
  const end = findDirectory(bytes);
  if (!end || end.count > limits.maxEntries) {
    return undefined;
  }
  const tree = createTree();
  const files: PlainFile[] = [];
  let at = end.start;
  let total = 0;
  // Where the data of the last entry ended: entries lie in the order of the directory, and none overlaps the next.
  let covered = 0;
  for (let count = 0; count < end.count; count++) {
    if (at + directoryHeaderBytes > end.at || bytes.readUInt32LE(at) !== directoryHeader) {
      return undefined;
    }
    const nameBytes = bytes.readUInt16LE(at + 28);
    const crc32 = bytes.readUInt32LE(at + 16);
    const compressedSize = bytes.readUInt32LE(at + 20);
    const size = bytes.readUInt32LE(at + 24);
    const method = bytes.readUInt16LE(at + 10);
    const offset = bytes.readUInt32LE(at + 42);
    total += size;
    const isOrdinary =
      nameBytes > 0 &&
      nameBytes <= maxNameBytes &&
      at + directoryHeaderBytes + nameBytes <= end.at &&
      // Neither extra field nor comment, and not on another disk.
      bytes.readUInt32LE(at + 30) === 0 &&
      bytes.readUInt16LE(at + 34) === 0 &&
      (bytes.readUInt16LE(at + 8) & ~harmlessFlags) === 0 &&
      isSizeOrdinary(method, size, compressedSize, limits) &&
      total <= limits.maxTotalBytes &&
      offset >= covered &&
      offset + localHeaderBytes + nameBytes + compressedSize <= end.start;
    if (!isOrdinary) {
      return undefined;
    }
    const nameEnd = at + directoryHeaderBytes + nameBytes;
    const isFolder = bytes[nameEnd - 1] === slash;
    const type = (bytes.readUInt32LE(at + 38) >>> 28) & 0xf;
    if (
      (type !== 0 && type !== (isFolder ? 4 : 8)) ||
      (isFolder && size !== 0) ||
      !isPlainName(bytes, at + directoryHeaderBytes, nameEnd)
    ) {
      return undefined;
    }
    const name = bytes.toString('latin1', at + directoryHeaderBytes, nameEnd);
    covered = offset + localHeaderBytes + nameBytes + compressedSize;
    if (isFolder) {
      if (!tree.declare(name.slice(0, -1))) {
        return undefined;
      }
    } else {
      const dataStart = readLocalHeader(bytes, at, offset, nameBytes);
      if (dataStart === undefined || dataStart + compressedSize > end.start || !tree.addFile(name)) {
        return undefined;
      }
      covered = dataStart + compressedSize;
      files.push({ path: name, size, crc32, compressedSize, method, offset, end: covered, dataStart });
    }
    if (tree.folders.size + files.length > limits.maxEntries) {
      return undefined;
    }
    at += directoryHeaderBytes + nameBytes;
  }
  return at === end.at && !tree.isMixed() ? { files, folders: tree.folders } : undefined;
}

/** The end record is the very last thing, says what is there, and has no Zip64 record before it. */
function findDirectory(bytes: Buffer): { at: number; start: number; count: number } | undefined {
  const at = bytes.length - endRecordBytes;
  if (at < 0 || bytes.readUInt32LE(at) !== endRecord || bytes.readUInt16LE(at + 20) !== 0) {
    return undefined;
  }
  const count = bytes.readUInt16LE(at + 10);
  const start = bytes.readUInt32LE(at + 16);
  const isPlain =
    bytes.readUInt32LE(at + 4) === 0 &&
    bytes.readUInt16LE(at + 8) === count &&
    count < 0xffff &&
    start + bytes.readUInt32LE(at + 12) === at &&
    (at < zip64LocatorBytes || bytes.readUInt32LE(at - zip64LocatorBytes) !== zip64Locator);
  return isPlain ? { at, start, count } : undefined;
}

function isSizeOrdinary(method: number, size: number, compressedSize: number, limits: ZipLimits): boolean {
  return (
    (method === 8 || (method === 0 && size === compressedSize)) &&
    size <= Math.min(limits.maxEntryBytes, largestPlain) &&
    compressedSize <= Math.min(limits.maxEntryBytes, largestPlain) &&
    (size <= ratioFreeBytes || size <= limits.maxRatio * compressedSize)
  );
}

/** Where the data begins, if the local header says the same as the directory at `at`. */
function readLocalHeader(bytes: Buffer, at: number, offset: number, nameBytes: number): number | undefined {
  const flags = bytes.readUInt16LE(offset + 6);
  const isLate = (flags & lateSizes) !== 0;
  const agrees = (field: number, declared: number): boolean => {
    const said = bytes.readUInt32LE(offset + field);
    return said === bytes.readUInt32LE(at + declared) || (isLate && said === 0);
  };
  const isSame =
    bytes.readUInt32LE(offset) === localHeader &&
    (flags & ~harmlessFlags) === 0 &&
    bytes.readUInt16LE(offset + 8) === bytes.readUInt16LE(at + 10) &&
    agrees(14, 16) &&
    agrees(18, 20) &&
    agrees(22, 24) &&
    bytes.readUInt16LE(offset + 26) === nameBytes &&
    areSame(bytes, at + directoryHeaderBytes, offset + localHeaderBytes, nameBytes);
  return isSame ? offset + localHeaderBytes + nameBytes + bytes.readUInt16LE(offset + 28) : undefined;
}

/** A loop: for names, `compare` takes longer to be called than to do its work. */
function areSame(bytes: Buffer, first: number, second: number, length: number): boolean {
  for (let at = 0; at < length; at++) {
    if (bytes[first + at] !== bytes[second + at]) {
      return false;
    }
  }
  return true;
}

interface Tree {
  readonly folders: ReadonlySet<string>;
  /** False for a folder that was declared before. */
  declare(path: string): boolean;
  /** False for a path that was there before. */
  addFile(path: string): boolean;
  /** Whether a path is a file and a folder at once. */
  isMixed(): boolean;
}

function createTree(): Tree {
  const folders = new Set<string>();
  const declared = new Set<string>();
  const files = new Set<string>();
  let last = '';
  const addFolder = (path: string): boolean => {
    let folder = path;
    for (let depth = 0; !folders.has(folder); depth++) {
      if (depth >= maxDepth) {
        return false;
      }
      folders.add(folder);
      const end = folder.lastIndexOf('/');
      if (end < 0) {
        break;
      }
      folder = folder.slice(0, end);
    }
    last = path;
    return true;
  };
  return {
    folders,
    declare(path) {
      const isNew = !declared.has(path);
      declared.add(path);
      return isNew && addFolder(path);
    },
    addFile(path) {
      const known = files.size;
      files.add(path);
      const end = path.lastIndexOf('/');
      const isInLast = end === last.length && path.startsWith(last);
      return files.size > known && (end < 0 || isInLast || addFolder(path.slice(0, end)));
    },
    isMixed: () => [...files].some((path) => folders.has(path)),
  };
}

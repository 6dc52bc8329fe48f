import { getFileNameLowLevel, type Entry } from 'yauzl';
import { decodeEntryName } from './entry-names.ts';

// Bits of an entry's flags, APPNOTE.TXT 4.4.4.
const encrypted = 0x0001;
const patched = 0x0020;
const stronglyEncrypted = 0x0040;
const maskedDirectory = 0x2000;

// File types of a Unix mode, the upper half of the external attributes.
const typeMask = 0o170000;
const regularFile = 0o100000;
const folder = 0o040000;
const fileTypes: Readonly<Record<number, string>> = {
  [0o120000]: 'a symlink',
  [0o020000]: 'a character device',
  [0o060000]: 'a block device',
  [0o010000]: 'a named pipe',
  [0o140000]: 'a socket',
};

/**
 * Why an entry is not an ordinary file or folder that everyone can read, as a clause that follows its quoted name.
 * The mode is asked whatever system made the archive: a reader that obeys it would make a symlink.
 */
export const checkEntryAttributes = (entry: Entry, isFolder: boolean): string | undefined => {
  const flags = entry.generalPurposeBitFlag;
  if ((flags & (encrypted | stronglyEncrypted | maskedDirectory)) !== 0) {
    return 'is encrypted';
  }
  if ((flags & patched) !== 0) {
    return 'is a patch of another archive, not a whole file';
  }
  if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8) {
    return `is compressed with method ${entry.compressionMethod}; only stored (0) and deflated (8) entries can be read`;
  }
  const type = (entry.externalFileAttributes >>> 16) & typeMask;
  if (type !== 0 && type !== regularFile && type !== folder) {
    return `is ${fileTypes[type] ?? 'of an unknown file type'}; only files and folders are taken`;
  }
  if (isFolder && entry.uncompressedSize !== 0) {
    return 'is a folder that has content';
  }
  if (!isFolder && type === folder) {
    return 'is a folder by its mode and a file by its name';
  }
  return hasSecondName(entry) ? 'has another name in its Unicode path field' : undefined;
};

/** Some readers (Kibana's too) take the name of Info-ZIP's Unicode path field, some the plain one: both must agree. */
const hasSecondName = (entry: Entry): boolean =>
  entry.extraFields.some((field) => field.id === 0x7075) &&
  getFileNameLowLevel(0x0800, entry.fileNameRaw, entry.extraFields, true) !==
    decodeEntryName(entry.fileNameRaw);

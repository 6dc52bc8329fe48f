import { DepotError } from '../domain/errors.ts';
import { quoteName } from './entry-names.ts';
import type { RandomFile } from './random-file.ts';
import type { ZipEntry } from './zip-directory.ts';

/** Local header, name and a common extra field are read together with the data. */
const headerBytes = 30;
const guessedExtraBytes = 256;

/** ZIP_INVALID for what is wrong with one entry. */
export const entryInvalid = (entry: ZipEntry, reason: string, cause?: unknown): DepotError =>
  new DepotError('ZIP_INVALID', { reason: `entry ${quoteName(entry.path)} ${reason}` }, cause);

const overlap = (entry: ZipEntry): DepotError =>
  entryInvalid(entry, 'has data that overlaps what follows it in the archive');

/** The bytes of an entry as they lie in the archive. Throws ZIP_INVALID where its local header isn't the directory's. */
export const readStoredBytes = async (file: Pick<RandomFile, 'read'>, entry: ZipEntry): Promise<Buffer> => {
  const name = Buffer.from(entry.path);
  const least = headerBytes + name.length + entry.compressedSize;
  let bytes = await file.read(entry.offset, Math.min(least + guessedExtraBytes, entry.end - entry.offset));
  const dataStart = checkLocalHeader(bytes, entry, name);
  const needed = dataStart + entry.compressedSize;
  if (entry.offset + needed > entry.end) {
    throw overlap(entry);
  }
  if (needed > bytes.length) {
    bytes = await file.read(entry.offset, needed);
  }
  return bytes.subarray(dataStart, needed);
};

/** Where the bytes of an entry lie in the archive. Throws ZIP_INVALID as `readStoredBytes`, and reads none of them. */
export const findStoredBytes = async (file: Pick<RandomFile, 'read'>, entry: ZipEntry): Promise<number> => {
  const name = Buffer.from(entry.path);
  const header = await file.read(entry.offset, Math.min(headerBytes + name.length, entry.end - entry.offset));
  const start = entry.offset + checkLocalHeader(header, entry, name);
  if (start + entry.compressedSize > entry.end) {
    throw overlap(entry);
  }
  return start;
};

/** Returns where the data begins, counted from the local header. */
const checkLocalHeader = (bytes: Buffer, entry: ZipEntry, name: Buffer): number => {
  const differs = (what: string): DepotError =>
    entryInvalid(entry, `has another ${what} in its local header than in the directory`);
  if (bytes.readUInt32LE(0) !== 0x04034b50) {
    throw entryInvalid(entry, 'does not begin where the directory says');
  }
  const flags = bytes.readUInt16LE(6);
  if ((flags & 0x2041) !== 0) {
    throw differs('encryption flag');
  }
  if (bytes.readUInt16LE(8) !== entry.method) {
    throw differs('compression method');
  }
  const nameLength = bytes.readUInt16LE(26);
  if (
    nameLength !== name.length ||
    bytes.compare(name, 0, nameLength, headerBytes, headerBytes + nameLength) !== 0
  ) {
    throw differs('name');
  }
  // Bit 3: CRC and sizes stand behind the data, the header may have zeros. 0xffffffff sends to the Zip64 field.
  const isLate = (flags & 0x0008) !== 0;
  const agrees = (declared: number, known: number, isSize: boolean): boolean =>
    declared === known || (isLate && declared === 0) || (isSize && declared === 0xffffffff);
  if (!agrees(bytes.readUInt32LE(14), entry.crc32, false)) {
    throw differs('CRC');
  }
  if (
    !agrees(bytes.readUInt32LE(18), entry.compressedSize, true) ||
    !agrees(bytes.readUInt32LE(22), entry.size, true)
  ) {
    throw differs('size');
  }
  return headerBytes + nameLength + bytes.readUInt16LE(28);
};

import { promisify } from 'node:util';
import { crc32, inflateRaw, inflateRawSync, type ZlibOptions } from 'node:zlib';
import { DepotError } from '../domain/errors.ts';
import { quoteName } from './entry-names.ts';
import type { RandomFile } from './random-file.ts';
import type { ZipEntry } from './zip-directory.ts';

/** Below these sizes inflating costs less than handing the job to another thread. */
const smallBytes = { compressed: 64 * 1024, inflated: 1024 * 1024 } as const;

/** Local header, name and a common extra field are read together with the data. */
const headerBytes = 30;
const guessedExtraBytes = 256;

interface Inflated {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

// With `info` the engine comes along, which tells how many bytes the deflated stream really has.
const inflateLater = promisify(inflateRaw) as unknown as (
  bytes: Buffer,
  options: ZlibOptions,
) => Promise<Inflated>;
const inflateNow = inflateRawSync as unknown as (bytes: Buffer, options: ZlibOptions) => Inflated;

const invalid = (entry: ZipEntry, reason: string, cause?: unknown): DepotError =>
  new DepotError('ZIP_INVALID', { reason: `entry ${quoteName(entry.path)} ${reason}` }, cause);

/** The bytes of an entry as they lie in the archive. Throws ZIP_INVALID where its local header isn't the directory's. */
export const readStoredBytes = async (file: Pick<RandomFile, 'read'>, entry: ZipEntry): Promise<Buffer> => {
  const name = Buffer.from(entry.path);
  const least = headerBytes + name.length + entry.compressedSize;
  let bytes = await file.read(entry.offset, Math.min(least + guessedExtraBytes, entry.end - entry.offset));
  const dataStart = checkLocalHeader(bytes, entry, name);
  const needed = dataStart + entry.compressedSize;
  if (entry.offset + needed > entry.end) {
    throw invalid(entry, 'has data that overlaps what follows it in the archive');
  }
  if (needed > bytes.length) {
    bytes = await file.read(entry.offset, needed);
  }
  return bytes.subarray(dataStart, needed);
};

/** Returns where the data begins, counted from the local header. */
const checkLocalHeader = (bytes: Buffer, entry: ZipEntry, name: Buffer): number => {
  const differs = (what: string): DepotError =>
    invalid(entry, `has another ${what} in its local header than in the directory`);
  if (bytes.readUInt32LE(0) !== 0x04034b50) {
    throw invalid(entry, 'does not begin where the directory says');
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

/** Inflates and checks the bytes of an entry. Never makes more than the size that the entry declares. */
export const unpackBytes = async (stored: Buffer, entry: ZipEntry): Promise<Buffer> => {
  if (entry.method === 0 || (stored.length < smallBytes.compressed && entry.size < smallBytes.inflated)) {
    return unpackBytesNow(stored, entry);
  }
  let inflated: Inflated;
  try {
    inflated = await inflateLater(stored, inflateOptions(entry));
  } catch (error) {
    throw inflateFault(entry, error);
  }
  return checkContent(checkInflated(inflated, stored, entry), entry);
};

/** The same with the thread itself: for worker threads. */
export const unpackBytesNow = (stored: Buffer, entry: ZipEntry): Buffer => {
  if (entry.method === 0) {
    return checkContent(stored, entry);
  }
  let inflated: Inflated;
  try {
    inflated = inflateNow(stored, inflateOptions(entry));
  } catch (error) {
    throw inflateFault(entry, error);
  }
  return checkContent(checkInflated(inflated, stored, entry), entry);
};

const inflateOptions = (entry: ZipEntry): ZlibOptions => ({
  info: true,
  maxOutputLength: Math.max(entry.size, 1),
  // One chunk with room to spare takes the whole output without joining; zlib refuses less than 64.
  chunkSize: Math.min(Math.max(entry.size + 1, 64), 256 * 1024),
});

const inflateFault = (entry: ZipEntry, error: unknown): DepotError => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ERR_BUFFER_TOO_LARGE'
    ? invalid(entry, `unpacks to more than the ${entry.size} bytes that it declares`, error)
    : invalid(entry, `is damaged: its deflated data cannot be read (${String(code)})`, error);
};

const checkInflated = (inflated: Inflated, stored: Buffer, entry: ZipEntry): Buffer => {
  if (inflated.buffer.length !== entry.size) {
    throw invalid(entry, `unpacks to ${inflated.buffer.length} bytes, but declares ${entry.size}`);
  }
  if (inflated.engine.bytesWritten !== stored.length) {
    throw invalid(
      entry,
      `has ${stored.length - inflated.engine.bytesWritten} stray bytes behind its deflated data`,
    );
  }
  return inflated.buffer;
};

const checkContent = (content: Buffer, entry: ZipEntry): Buffer => {
  if (crc32(content) !== entry.crc32) {
    throw invalid(entry, 'is damaged: its CRC-32 is not the one in the directory');
  }
  return content;
};

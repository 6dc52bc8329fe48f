import { crc32, deflateRawSync } from 'node:zlib';

/** What a header says of an entry. */
export interface ZipHeader {
  readonly name: string | Buffer;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly compressedSize: number;
  readonly size: number;
  readonly extra: Buffer;
}

/** An entry and its lies: what isn't given is the truth. */
export interface ZipEntrySpec extends Partial<ZipHeader> {
  readonly name: string | Buffer;
  readonly content?: string | Buffer;
  /** The bytes between header and next entry, instead of the deflated or stored content. */
  readonly data?: Buffer;
  /** Unix mode; 0o100644 for files, 0o040755 for names that end with a slash. */
  readonly mode?: number;
  readonly madeBy?: number;
  readonly offset?: number;
  /** What the local header says where it differs from the directory. */
  readonly local?: Partial<ZipHeader>;
  /** Bytes before the local header. */
  readonly before?: Buffer;
  /** CRC and sizes behind the data, zeros in the local header (flag bit 3). */
  readonly isStreamed?: boolean;
}

/** Lies of the end record. */
export interface ZipEndSpec {
  readonly count?: number;
  readonly directoryOffset?: number;
  readonly directorySize?: number;
  readonly comment?: Buffer;
  readonly disk?: number;
  /** Bytes between the directory and the end record. */
  readonly beforeEnd?: Buffer;
}

const bytesOf = (value: string | Buffer): Buffer => (typeof value === 'string' ? Buffer.from(value) : value);

const u16 = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, at) => bytes.writeUInt16LE(value, at * 2));
  return bytes;
};

const u32 = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, at) => bytes.writeUInt32LE(value, at * 4));
  return bytes;
};

// 1980-01-01, midnight.
const dosTime = u16(0, 0x21);

const headerFields = (header: ZipHeader): Buffer =>
  Buffer.concat([
    u16(20, header.flags, header.method),
    dosTime,
    u32(header.crc, header.compressedSize, header.size),
    u16(bytesOf(header.name).length, header.extra.length),
  ]);

/** Writes a zip byte by byte, so that it can say anything. */
export const buildZip = (specs: readonly ZipEntrySpec[], end: ZipEndSpec = {}): Buffer => {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let position = 0;
  for (const spec of specs) {
    const isFolder = bytesOf(spec.name).at(-1) === 0x2f;
    const content = bytesOf(spec.content ?? '');
    const method = spec.method ?? (isFolder ? 0 : 8);
    const data = spec.data ?? (method === 8 ? deflateRawSync(content) : content);
    const truth: ZipHeader = {
      name: spec.name,
      flags: spec.flags ?? (spec.isStreamed === true ? 0x0808 : 0x0800),
      method,
      crc: spec.crc ?? crc32(content),
      compressedSize: spec.compressedSize ?? data.length,
      size: spec.size ?? content.length,
      extra: spec.extra ?? Buffer.alloc(0),
    };
    const late = spec.isStreamed === true ? { crc: 0, compressedSize: 0, size: 0 } : {};
    const local: ZipHeader = { ...truth, extra: Buffer.alloc(0), ...late, ...spec.local };
    const before = spec.before ?? Buffer.alloc(0);
    const descriptor =
      spec.isStreamed === true
        ? u32(0x08074b50, truth.crc, truth.compressedSize, truth.size)
        : Buffer.alloc(0);
    const offset = spec.offset ?? position + before.length;
    const written = Buffer.concat([
      before,
      u32(0x04034b50),
      headerFields(local),
      bytesOf(local.name),
      local.extra,
      data,
      descriptor,
    ]);
    parts.push(written);
    position += written.length;
    directory.push(
      u32(0x02014b50),
      u16(((spec.madeBy ?? 3) << 8) | 20),
      headerFields(truth),
      u16(0, 0, 0),
      u32(((spec.mode ?? (isFolder ? 0o040755 : 0o100644)) << 16) >>> 0, offset),
      bytesOf(truth.name),
      truth.extra,
    );
  }
  const listed = Buffer.concat(directory);
  const count = end.count ?? specs.length;
  const comment = end.comment ?? Buffer.alloc(0);
  return Buffer.concat([
    ...parts,
    listed,
    end.beforeEnd ?? Buffer.alloc(0),
    u32(0x06054b50),
    u16(end.disk ?? 0, 0, count & 0xffff, count & 0xffff),
    u32(end.directorySize ?? listed.length, end.directoryOffset ?? position),
    u16(comment.length),
    comment,
  ]);
};

/** A Zip64 end record and its locator that declare `count` entries; they go before the end record. */
export const zip64End = (
  count: number,
  directorySize: number,
  directoryOffset: number,
  position: number,
): Buffer =>
  Buffer.concat([
    u32(0x06064b50, 44, 0),
    u16(45, 45),
    u32(0, 0, count, 0, count, 0, directorySize, 0, directoryOffset, 0),
    u32(0x07064b50, 0, position, 0, 1),
  ]);

/** A Zip64 field with these 64-bit numbers. */
export const zip64Extra = (...values: number[]): Buffer =>
  Buffer.concat([
    u16(1, values.length * 8),
    ...values.map((value) => u32(value % 2 ** 32, Math.floor(value / 2 ** 32))),
  ]);

/** Info-ZIP's Unicode path field: a second name. */
export const unicodePathExtra = (name: Buffer, unicode: string): Buffer => {
  const second = Buffer.from(unicode);
  return Buffer.concat([u16(0x7075, 5 + second.length), Buffer.from([1]), u32(crc32(name)), second]);
};

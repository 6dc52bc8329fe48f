import { crc32, deflateRawSync } from 'node:zlib';
import type { ErrorCode } from '../../src/domain/errors.ts';
import { buildZip, unicodePathExtra, zip64End, zip64Extra, type ZipEntrySpec } from './zip-builder.ts';

/** An archive that must be refused, on opening or on reading all of it. */
export interface HostileZip {
  readonly title: string;
  readonly bytes: () => Buffer;
  readonly code: ErrorCode;
  readonly reason: RegExp;
  /** Only the rule of one top folder, which the zip reader doesn't know, refuses it. */
  readonly isPackageRule?: boolean;
}

const top = 'demo-1.0.0';
const good: ZipEntrySpec = { name: `${top}/manifest.yml`, content: 'name: demo\n' };
const text = 'It was a dark and stormy night. '.repeat(40);

const named = (title: string, name: string | Buffer, reason: RegExp): HostileZip => ({
  title,
  bytes: () => buildZip([good, { name, content: 'x' }]),
  code: 'ZIP_INVALID',
  reason,
});

const single = (
  title: string,
  spec: Partial<ZipEntrySpec>,
  reason: RegExp,
  code: ErrorCode = 'ZIP_INVALID',
): HostileZip => ({
  title,
  bytes: () => buildZip([good, { name: `${top}/x`, content: text, ...spec }]),
  code,
  reason,
});

const cut = (bytes: Buffer, length: number): Buffer => bytes.subarray(0, length);

const names: HostileZip[] = [
  named('a name with ".."', `${top}/../../etc/passwd`, /leads out of the package/),
  named('a name that is ".."', '..', /leads out of the package/),
  named('a folder named ".."', `${top}/../`, /leads out of the package/),
  named('an absolute name', '/etc/passwd', /absolute path/),
  named('a name with a drive', 'C:/windows/system.ini', /absolute path/),
  named('a name with a backslash', `${top}\\..\\evil`, /backslash/),
  named('a share of Windows', '\\\\host\\share', /backslash/),
  named('a name with NUL', `${top}/a\0.yml`, /control character/),
  named('a name with a line break', `${top}/a\nlevel=error`, /control character/),
  named('a name with a C1 control', `${top}/a\u009b31m`, /control character/),
  named('an empty segment', `${top}//x`, /empty or "\." segment/),
  named('a "." segment', `./${top}/x`, /empty or "\." segment/),
  named('no name', '', /has no name/),
  named('a name of only a slash', '/', /has no name|absolute/),
  named('a name that is not UTF-8', Buffer.from([0x64, 0x2f, 0xff, 0xfe, 0x41]), /not UTF-8/),
  named('an overlong UTF-8 slash', Buffer.from('d/..\xc0\xafx', 'latin1'), /not UTF-8/),
  named('a half surrogate', Buffer.from('d/\xed\xa0\x80', 'latin1'), /not UTF-8/),
  named('a very long name', `${top}/${'a'.repeat(5000)}`, /more than 1024 bytes/),
  named('a very deep name', `${top}/${'a/'.repeat(200)}x`, /folders deep/),
  single(
    'a CP437 name without the flag',
    { name: Buffer.from('d/caf\x82', 'latin1'), flags: 0 },
    /not UTF-8/,
  ),
  {
    title: 'a second name in the Unicode path field',
    bytes: () => {
      const name = Buffer.from(`${top}/plain`);
      return buildZip([good, { name, content: 'x', extra: unicodePathExtra(name, '../../evil') }]);
    },
    code: 'ZIP_INVALID',
    reason: /another name in its Unicode path field/,
  },
];

const collisions: HostileZip[] = [
  named('two entries of one name', `${top}/manifest.yml`, /two entries named/),
  {
    title: 'a folder with the name of a file',
    bytes: () => buildZip([good, { name: `${top}/manifest.yml/` }]),
    code: 'ZIP_INVALID',
    reason: /two entries named/,
  },
  named('a file used as a folder', `${top}/manifest.yml/x`, /a file and a folder at once/),
  {
    title: 'a file with the name of an implied folder',
    bytes: () =>
      buildZip([
        { name: `${top}/a/b`, content: 'x' },
        { name: `${top}/a`, content: 'y' },
      ]),
    code: 'ZIP_INVALID',
    reason: /a file and a folder at once/,
  },
  {
    title: 'a folder declared twice',
    bytes: () => buildZip([{ name: `${top}/a/` }, { name: `${top}/a/` }, good]),
    code: 'ZIP_INVALID',
    reason: /two entries named/,
  },
  { ...named('two top folders', 'other-1.0.0/manifest.yml', /two top folders/), isPackageRule: true },
  {
    ...named('an empty second top folder', '__MACOSX/', /two top folders|content/),
    isPackageRule: true,
    bytes: () => buildZip([good, { name: '__MACOSX/' }]),
  },
  {
    ...named('a file beside the top folder', 'README.md', /lies outside of the top folder/),
    isPackageRule: true,
  },
  {
    title: 'only a folder',
    bytes: () => buildZip([{ name: `${top}/` }]),
    code: 'ZIP_INVALID',
    reason: /no file/,
    isPackageRule: true,
  },
  {
    title: 'no entry at all',
    bytes: () => buildZip([]),
    code: 'ZIP_INVALID',
    reason: /no file/,
    isPackageRule: true,
  },
];

const attributes: HostileZip[] = [
  single('a symlink', { mode: 0o120777, content: '/etc/passwd', method: 0 }, /is a symlink/),
  single('a symlink made "on DOS"', { mode: 0o120777, madeBy: 0, content: 'a', method: 0 }, /is a symlink/),
  single('a device', { mode: 0o020666, content: '' }, /character device/),
  single('a block device', { mode: 0o060666, content: '' }, /block device/),
  single('a named pipe', { mode: 0o010644, content: '' }, /named pipe/),
  single('a socket', { mode: 0o140644, content: '' }, /socket/),
  single('a folder by mode, a file by name', { mode: 0o040755 }, /a folder by its mode/),
  single(
    'a folder with content',
    { name: `${top}/x/`, mode: 0, content: 'abc', method: 0 },
    /folder that has content/,
  ),
  single('an encrypted entry', { flags: 0x0801 }, /encrypted/),
  single('a strongly encrypted entry', { flags: 0x0841 }, /encrypt/),
  single('an entry with masked headers', { flags: 0x2800 }, /encrypted/),
  single('an unknown compression', { method: 93 }, /method 93/),
  single('LZMA', { method: 14 }, /method 14/),
];

const lies: HostileZip[] = [
  single('a wrong CRC', { crc: 0x12345678 }, /CRC-32 is not the one/),
  single('a wrong CRC of a stored entry', { crc: 0x12345678, method: 0 }, /CRC-32 is not the one/),
  single('a size that is too small', { size: 10 }, /unpacks to more than the 10 bytes/),
  single('a size of zero', { size: 0, crc: 0 }, /unpacks to more than the 0 bytes/),
  single('a size that is too large', { size: 99_999 }, /unpacks to 1280 bytes, but declares 99999/),
  single('a stored entry with two sizes', { method: 0, size: 3 }, /size mismatch/),
  single('another size in the local header', { local: { size: 7 } }, /another size in its local header/),
  single('another compressed size in the local header', { local: { compressedSize: 7 } }, /another size/),
  single('another CRC in the local header', { local: { crc: 7 } }, /another CRC/),
  single('another name in the local header', { local: { name: '../../../evil' } }, /another name/),
  single('another name of the same length', { local: { name: `${top}/y` } }, /another name/),
  single('another method in the local header', { local: { method: 0 } }, /another compression method/),
  single('encryption only in the local header', { local: { flags: 0x0801 } }, /another encryption flag/),
  single('a local header elsewhere', { offset: 3 }, /does not begin where|overlaps/),
  single(
    'an extra field that swallows the data',
    { local: { extra: Buffer.alloc(1000) }, compressedSize: 900 },
    /overlap|another size|reach into/,
  ),
  single(
    'data that is no deflate stream',
    { data: Buffer.alloc(200, 0xff), crc: 1 },
    /deflated data cannot be read/,
  ),
  single(
    'a deflate stream that is cut off',
    { data: deflateRawSync(Buffer.from(text)).subarray(0, 20) },
    /deflated data cannot be read/,
  ),
  single(
    'bytes behind the deflate stream',
    { data: Buffer.concat([deflateRawSync(Buffer.from(text)), Buffer.from('hidden')]) },
    /6 stray bytes/,
  ),
  single(
    'an empty deflate stream',
    { data: Buffer.alloc(0), size: 0, crc: 0 },
    /deflated data cannot be read/,
  ),
  {
    title: 'two entries with the same bytes',
    bytes: () =>
      buildZip([good, { name: `${top}/a`, content: text }, { name: `${top}/a`, content: text, offset: 0 }]),
    code: 'ZIP_INVALID',
    reason: /two entries named|overlaps/,
  },
  {
    title: 'entries that overlap (a quine of a bomb)',
    bytes: () => {
      const offset = 0;
      return buildZip([
        { ...good, content: text },
        ...['a', 'b', 'c'].map((name) => ({ name: `${top}/${name}`, content: text, offset })),
      ]);
    },
    code: 'ZIP_INVALID',
    reason: /overlaps/,
  },
  {
    title: 'data that reaches into the directory',
    bytes: () => buildZip([{ ...good, compressedSize: 60 }]),
    code: 'ZIP_INVALID',
    reason: /reach into the directory/,
  },
];

const damaged: HostileZip[] = [
  {
    title: 'an empty file',
    bytes: () => Buffer.alloc(0),
    code: 'ZIP_INVALID',
    reason: /^the file is empty$/,
  },
  {
    title: 'a text file',
    bytes: () => Buffer.from('<html>404 Not Found</html>\n'.repeat(20)),
    code: 'ZIP_INVALID',
    reason: /not a zip file/,
  },
  {
    title: 'a long text file',
    bytes: () => Buffer.alloc(600_000, 'text '),
    code: 'ZIP_INVALID',
    reason: /not a zip file/,
  },
  {
    title: 'three bytes',
    bytes: () => Buffer.from('PK\u0005'),
    code: 'ZIP_INVALID',
    reason: /not a zip file/,
  },
  {
    title: 'a file without its last byte',
    bytes: () => cut(buildZip([good]), buildZip([good]).length - 1),
    code: 'ZIP_INVALID',
    reason: /not a zip file/,
  },
  {
    title: 'half of a file',
    bytes: () => cut(buildZip([good, { name: `${top}/x`, content: text }]), 90),
    code: 'ZIP_INVALID',
    reason: /not a zip file/,
  },
  {
    title: 'a beginning that is missing',
    bytes: () => buildZip([good, { name: `${top}/x`, content: text }]).subarray(60),
    code: 'ZIP_INVALID',
    reason: /directory/,
  },
  {
    title: 'bytes behind the end',
    bytes: () => Buffer.concat([buildZip([good]), Buffer.from('more')]),
    code: 'ZIP_INVALID',
    reason: /Invalid comment length/,
  },
  {
    title: 'a directory that begins behind the end',
    bytes: () => buildZip([good], { directoryOffset: 99_999 }),
    code: 'ZIP_INVALID',
    reason: /directory should begin at byte 99999/,
  },
  {
    title: 'a directory that begins somewhere else',
    bytes: () => buildZip([good], { directoryOffset: 4 }),
    code: 'ZIP_INVALID',
    reason: /directory is damaged at entry 1 of 1/,
  },
  {
    title: 'fewer entries than declared',
    bytes: () => buildZip([good], { count: 3 }),
    code: 'ZIP_INVALID',
    reason: /directory is damaged at entry 2 of 3/,
  },
  {
    title: 'more entries than declared',
    bytes: () => buildZip([good, { name: `${top}/hidden`, content: 'x' }], { count: 1 }),
    code: 'ZIP_INVALID',
    reason: /number of entries is a lie/,
  },
  {
    title: 'several disks',
    bytes: () => buildZip([good], { disk: 2 }),
    code: 'ZIP_INVALID',
    reason: /multi-disk/,
  },
  {
    title: 'a Zip64 locator that leads nowhere',
    bytes: () => buildZip([good], { beforeEnd: zip64End(1, 60, 50, 9_999_999) }),
    code: 'ZIP_INVALID',
    reason: /end is damaged/,
  },
  single(
    'a Zip64 size that is missing',
    { size: 0xffffffff, extra: zip64Extra() },
    /does not include uncompressed size/,
  ),
  single('an extra field that is cut off', { extra: Buffer.from([1, 0, 200, 0]) }, /extra field length/),
];

/** A bomb whose entry declares its size, and whose bytes are zeros. */
const zeros = (size: number): Partial<ZipEntrySpec> => {
  const content = Buffer.alloc(size);
  return { data: deflateRawSync(content), crc: crc32(content), size };
};

/** Refused under the limits of `testLimits`. */
const tooMuch: HostileZip[] = [
  single(
    'a bomb by its ratio',
    zeros(3_000_000),
    /compression ratio of entry "demo-1\.0\.0\/x" is \d+, the limit is 200/,
    'LIMIT_EXCEEDED',
  ),
  single(
    'a bomb that declares 4 TB',
    { size: 0xffffffff, extra: zip64Extra(2 ** 42) },
    /size of entry/,
    'LIMIT_EXCEEDED',
  ),
  single(
    'a bomb that hides its size',
    { ...zeros(5_000_000), size: 100 },
    /unpacks to more than the 100 bytes/,
  ),
  single(
    'an entry above the limit',
    { content: Buffer.alloc(5_000_001, 'abcdefg'), method: 0 },
    /size of entry .* is 5000001 bytes, the limit is 5000000 bytes/,
    'LIMIT_EXCEEDED',
  ),
  {
    title: 'a bomb by its total',
    bytes: () =>
      buildZip([
        good,
        ...Array.from({ length: 30 }, (_, at) => ({ name: `${top}/${at}`, ...zeros(1_000_000) })),
      ]),
    code: 'LIMIT_EXCEEDED',
    reason: /unpacked size of all entries/,
  },
  {
    title: '200,000 entries in the end record',
    bytes: () => {
      const zip = buildZip([good]);
      return buildZip([good], { count: 0xffff, beforeEnd: zip64End(200_000, 60, 0, zip.length - 22) });
    },
    code: 'LIMIT_EXCEEDED',
    reason: /number of entries is 200000, the limit is 10000/,
  },
  {
    title: 'more entries than the limit',
    bytes: () =>
      buildZip(Array.from({ length: 10_001 }, (_, at) => ({ name: `${top}/${at}`, content: '', method: 0 }))),
    code: 'LIMIT_EXCEEDED',
    reason: /number of entries is 10001/,
  },
  {
    title: 'few entries that imply many folders',
    bytes: () =>
      buildZip(
        Array.from({ length: 900 }, (_, at) => ({
          name: `${top}/${at}/${'f/'.repeat(28)}x`,
          content: '',
          method: 0,
        })),
      ),
    code: 'LIMIT_EXCEEDED',
    reason: /number of files and folders/,
  },
  {
    title: 'a directory that claims the whole of a large file',
    bytes: () => buildZip([{ ...good, before: Buffer.alloc(17 * 1024 * 1024) }], { directoryOffset: 0 }),
    code: 'LIMIT_EXCEEDED',
    reason: /size of the zip's directory/,
  },
];

/** Every archive that must be refused. */
export const hostileZips: readonly HostileZip[] = [
  ...names,
  ...collisions,
  ...attributes,
  ...lies,
  ...damaged,
  ...tooMuch,
];

/** Limits that the hostile archives were made for. */
export const testLimits = {
  maxEntries: 10_000,
  maxEntryBytes: 5_000_000,
  maxTotalBytes: 20_000_000,
  maxRatio: 200,
  maxManifestBytes: 1_000_000,
} as const;

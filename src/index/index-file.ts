import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { digestOf } from '../files/digest.ts';
import type { PackageRecord } from '../search/record.ts';
import type { KnownPackage, KnownPackages } from './known-package.ts';

/**
 * The persisted index: one file of
 *
 *     header    one line of JSON: magic, format, program, rules, lengths of the two parts, SHA-256 of both
 *     records   JSON, one row for each package: path, stamp, digest, record, length of summary, length of detail, reasons,
 *               and when they end
 *     answers   the summaries and the gzipped details, in the order of the rows, one behind the other
 *
 * Only the records are parsed, and the answers are served from the very buffer that was read.
 */
interface Header {
  readonly magic: string;
  readonly format: number;
  readonly program: string;
  readonly rules: string;
  readonly records: number;
  readonly answers: number;
  readonly sha256: string;
}

/** What an index was made by and for; one made by something else is not taken. */
export interface IndexOrigin {
  /** Version of the program and digest of the code that judges and renders. */
  readonly program: string;
  /** The rules that packages were judged by, and the package paths. */
  readonly rules: string;
}

type Row = readonly [
  path: string,
  stamp: string,
  digest: string | null,
  record: PackageRecord | null,
  summary: number,
  detail: number,
  reasons: readonly string[],
  until: number | null,
];

const magic = 'fleet-depot index';
const format = 2;
const maxHeader = 4096;
// Writing a large index takes a while: after this much, requests get their turn.
const yieldBytes = 2 << 20;
const yieldRows = 256;

/** The parts of the file, to be written one after another. */
export async function encodeIndex(
  known: KnownPackages,
  { program, rules }: IndexOrigin,
): Promise<readonly Buffer[]> {
  const rows: Buffer[] = [];
  const answers: Buffer[] = [];
  let row: string[] = [];
  const closeRows = async (end: string): Promise<void> => {
    rows.push(Buffer.from(`${rows.length === 0 ? '[' : row.length > 0 ? ',' : ''}${row.join(',')}${end}`));
    row = [];
    await setImmediate();
  };
  for (const [path, { stamp, digest, item, reasons, until }] of known) {
    const detail = await item?.detail();
    const lengths = [item?.summary.length ?? 0, detail?.length ?? 0] as const;
    const value: Row = [
      path,
      stamp,
      digest ?? null,
      item?.record ?? null,
      ...lengths,
      reasons,
      until ?? null,
    ];
    row.push(JSON.stringify(value));
    if (item && detail) {
      answers.push(item.summary, detail);
    }
    if (row.length === yieldRows) {
      await closeRows('');
    }
  }
  await closeRows(']');
  const hash = createHash('sha256');
  const sizes = { records: 0, answers: 0 };
  let yieldAt = yieldBytes;
  for (const [part, parts] of [
    ['records', rows],
    ['answers', answers],
  ] as const) {
    for (const bytes of parts) {
      hash.update(bytes);
      sizes[part] += bytes.length;
      if (sizes.records + sizes.answers > yieldAt) {
        yieldAt += yieldBytes;
        await setImmediate();
      }
    }
  }
  const header: Header = {
    magic,
    format,
    program,
    rules,
    ...sizes,
    sha256: hash.digest('hex'),
  };
  return [Buffer.from(`${JSON.stringify(header)}\n`), ...rows, ...answers];
}

/** Reads a file's bytes. Throws an Error that says why they are not taken: foreign, older, torn or changed. */
export function decodeIndex(bytes: Buffer, origin: IndexOrigin): KnownPackages {
  const end = bytes.subarray(0, maxHeader).indexOf('\n');
  const header = readHeader(bytes.subarray(0, Math.max(end, 0)).toString());
  if (header.program !== origin.program) {
    throw new Error('it was made by another version of the program');
  }
  if (header.rules !== origin.rules) {
    throw new Error('it was made for other settings');
  }
  const body = bytes.subarray(end + 1);
  if (body.length !== header.records + header.answers) {
    throw new Error(
      `it has ${body.length} bytes behind its header, which says ${header.records + header.answers}`,
    );
  }
  if (digestOf(body) !== header.sha256) {
    throw new Error('its checksum is wrong');
  }
  return readRows(body.subarray(0, header.records), body.subarray(header.records));
}

function readHeader(line: string): Header {
  const header = parseLine(line);
  if (header?.magic !== magic) {
    throw new Error('it is no index file');
  }
  const isWhole =
    header.format === format &&
    typeof header.program === 'string' &&
    typeof header.rules === 'string' &&
    isLength(header.records) &&
    isLength(header.answers) &&
    typeof header.sha256 === 'string';
  if (!isWhole) {
    throw new Error('it has another format');
  }
  return header as Header;
}

function parseLine(line: string): Partial<Header> | undefined {
  try {
    return (JSON.parse(line) as Partial<Header> | null) ?? undefined;
  } catch {
    return undefined;
  }
}

const isLength = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

function readRows(records: Buffer, answers: Buffer): KnownPackages {
  const known = new Map<string, KnownPackage>();
  let at = 0;
  const take = (length: number): Buffer => answers.subarray(at, (at += length));
  for (const [path, stamp, digest, record, summaryLength, detailLength, reasons, until] of JSON.parse(
    records.toString(),
  ) as Row[]) {
    const [summary, detail] = [take(summaryLength), take(detailLength)];
    const item = record ? { record, summary, detail: () => Promise.resolve(detail) } : undefined;
    const ends = until === null ? {} : { until };
    known.set(path, { stamp, digest: digest ?? undefined, item, reasons, ...ends });
  }
  return known;
}

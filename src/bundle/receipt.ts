import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Depot } from '../depot/depot.ts';
import { isSnapshotId } from '../depot/snapshot-id.ts';
import { DepotError } from '../domain/errors.ts';
import { refuseNewer } from '../domain/newer-format.ts';
import { digestOf, isDigest } from '../files/digest.ts';
import type { SnapshotReference } from './manifest.ts';

/**
 * What a depot has, to be carried out: enough to leave those contents out of the next bundle. Digests are cut to their
 * first 8 bytes. That two of some 25,000 agree by chance has odds of 1 to 60 billion, and a wrong guess does no harm:
 * the import compares whole digests and refuses a bundle that left out too much.
 */
export interface Receipt extends SnapshotReference {
  /** Digest of the snapshot's set of files. */
  readonly digest: string;
  /** First 16 hex digits of each content's digest, sorted. */
  readonly prefixes: ReadonlySet<string>;
}

const title = 'fleet-depot-receipt/1';
const prefixBytes = 8;
const maxBytes = 16 << 20;
const maxInflated = 64 << 20;

/** The receipt of one snapshot (only one that gc will not remove is worth carrying: normally `current`). */
export const receiptOf = async (depot: Depot, snapshot: string): Promise<Receipt> => {
  const record = await depot.snapshots.record(snapshot);
  return {
    depot: depot.id,
    snapshot,
    digest: record.digest,
    prefixes: new Set(record.files.map((file) => prefixOf(file.sha256)).toSorted()),
  };
};

/** Whether the receiver had a content. */
export const receiptHas = (receipt: Receipt, sha256: string): boolean =>
  receipt.prefixes.has(prefixOf(sha256));

/** A receipt as text that survives mail and copying by hand: about 10 bytes for each content. */
export const formatReceipt = (receipt: Receipt): string => {
  const sorted = Buffer.from([...receipt.prefixes].toSorted().join(''), 'hex');
  // Column by column, because the first bytes of sorted digests are nearly alike and shrink to nothing.
  const body = deflateRawSync(transpose(sorted, prefixBytes), { level: 9 }).toString('base64');
  const text = [
    title,
    `depot: ${receipt.depot}`,
    `snapshot: ${receipt.snapshot}`,
    `digest: ${receipt.digest}`,
    `contents: ${receipt.prefixes.size}`,
    ...(body.match(/.{1,76}/g) ?? []),
    '',
  ].join('\n');
  return `${text}sha256: ${digestOf(text)}\n`;
};

/** Reads a receipt; its own checksum tells a changed or cut one. Throws DepotError RECEIPT_INVALID or FORMAT_NEWER. */
export const parseReceipt = (raw: string, file: string): Receipt => {
  const fail = (reason: string): DepotError => new DepotError('RECEIPT_INVALID', { file, reason });
  if (raw.length > maxBytes) {
    throw fail('it is far too large');
  }
  // Mail and some editors change the ends of lines, which carry no meaning here.
  const text = raw.replaceAll('\r\n', '\n');
  refuseNewer(file, text.slice(0, text.indexOf('\n')), title);
  if (!text.startsWith(`${title}\n`)) {
    throw fail(`it does not begin with ${title}`);
  }
  const sum = /^([\s\S]*\n)sha256: ([0-9a-f]{64})\n?$/.exec(text);
  if (sum === null) {
    throw fail('its last line is missing: it was cut');
  }
  const [, covered = '', expected] = sum;
  if (digestOf(covered) !== expected) {
    throw fail('its checksum is wrong: it was changed');
  }
  const [, depot, snapshot, digest, count, ...body] = covered.trimEnd().split('\n');
  const id = fieldOf(depot, 'depot');
  const from = fieldOf(snapshot, 'snapshot');
  const set = fieldOf(digest, 'digest');
  const contents = Number(fieldOf(count, 'contents'));
  if (!/^[0-9a-f-]{36}$/.test(id) || !isSnapshotId(from) || !isDigest(set)) {
    throw fail('its head is not whole');
  }
  let bytes: Buffer;
  try {
    bytes = inflateRawSync(Buffer.from(body.join(''), 'base64'), { maxOutputLength: maxInflated });
  } catch (error) {
    throw new DepotError('RECEIPT_INVALID', { file, reason: 'its list can not be unpacked' }, error);
  }
  if (bytes.length !== contents * prefixBytes) {
    throw fail('its list has another length than its head says');
  }
  const hex = transpose(bytes, bytes.length / prefixBytes).toString('hex');
  return { depot: id, snapshot: from, digest: set, prefixes: new Set(hex.match(/.{16}/g) ?? []) };
};

const prefixOf = (sha256: string): string => sha256.slice(0, prefixBytes * 2);

const fieldOf = (line: string | undefined, name: string): string =>
  line?.startsWith(`${name}: `) ? line.slice(name.length + 2) : '';

/** Turns rows of `width` bytes into columns. */
const transpose = (bytes: Buffer, width: number): Buffer => {
  const out = Buffer.alloc(bytes.length);
  const rows = width === 0 ? 0 : bytes.length / width;
  for (let at = 0; at < bytes.length; at += 1) {
    out[(at % width) * rows + Math.floor(at / width)] = bytes[at] ?? 0;
  }
  return out;
};

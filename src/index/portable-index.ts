import type { JudgePool } from '../judge/pool.ts';
import type { JudgedPackage, JudgeRules } from '../judge/task.ts';
import type { PackageRef } from '../source/source.ts';
import type { Log } from '../telemetry/log.ts';
import { knownOf } from './build.ts';
import { encodeIndex, type IndexOrigin } from './index-file.ts';
import { portableStamp, type KnownPackage, type KnownPackages } from './known-package.ts';
import { reportPackage } from './package-report.ts';

/** An index of archives that will lie somewhere else. */
export interface PortableIndex {
  /** The parts of the index file. */
  readonly parts: readonly Buffer[];
  /** Archives that are served. */
  readonly served: number;
  /** Archives that will be read at each start, because they are broken or can't be told by their directory. */
  readonly unknown: number;
}

/** What it is made of. */
export interface PortableOptions {
  /** Archives as they lie here. */
  readonly refs: readonly PackageRef[];
  /** Where an archive will lie, by where it lies here. */
  place(path: string): string;
  readonly pool: JudgePool;
  readonly rules: JudgeRules;
  readonly origin: IndexOrigin;
  /** An index that lies at the other place already; what it says of other archives is kept. */
  readonly known: KnownPackages;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Judges archives here for a server elsewhere. Nothing is known of the files there, so their stamps are no file's: a start
 * compares the digest of each archive's directory, and believes what is known of it only where that is the same. Left out is
 * what has no such digest. The same archives give the same bytes. Throws what the signal was aborted with.
 */
export async function buildPortableIndex(options: PortableOptions): Promise<PortableIndex> {
  const { refs, place, pool, rules, origin, log, signal } = options;
  const known = new Map(options.known);
  let served = 0;
  // What is here is judged here, whatever somebody else's index says of it.
  const candidates = refs.map((ref) => ({ ref, digest: undefined }));
  const remember = (ref: PackageRef, judged: JudgedPackage): void => {
    const path = place(ref.path);
    reportPackage(log, ref, judged);
    known.delete(path);
    if (judged.found && judged.digest !== undefined) {
      known.set(path, reproducible(knownOf(portableStamp, judged)));
      served += 1;
    }
  };
  await pool.judge(candidates, rules, remember, { signal });
  signal.throwIfAborted();
  const sorted = [...known].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { parts: await encodeIndex(new Map(sorted), origin), served, unknown: refs.length - served };
}

const systemByte = 9;
const unix = 3;

/** Gzip names the system that it ran on (RFC 1952, 2.3); nobody needs that, and all are to make the same bytes. */
function reproducible(known: KnownPackage): KnownPackage {
  const { item } = known;
  if (!item) {
    return known;
  }
  const detail = async (): Promise<Buffer> => {
    const bytes = Buffer.from(await item.detail());
    bytes.writeUInt8(unix, systemByte);
    return bytes;
  };
  return { ...known, item: { ...item, detail } };
}

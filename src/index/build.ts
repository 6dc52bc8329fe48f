import { existsSync } from 'node:fs';
import type { JudgePool } from '../judge/pool.ts';
import type { FoundPackage, JudgedPackage, JudgeRules } from '../judge/task.ts';
import type { PackageRef, PackageSource, SourceProblem } from '../source/source.ts';
import type { Log } from '../telemetry/log.ts';
import type { QuarantinedPackage } from './indexed-package.ts';
import type { KnownPackage, KnownPackages } from './known-package.ts';
import { stampOf } from './known-package.ts';
import { reportPackage } from './package-report.ts';
import type { Settling } from './settling.ts';
import type { SnapshotItem } from './snapshot-item.ts';

/** What a build needs. */
export interface BuildOptions {
  readonly source: PackageSource;
  readonly pool: JudgePool;
  readonly rules: JudgeRules;
  /** From the build before, or from disk. Only what changed is read again. */
  readonly known: KnownPackages;
  readonly settling: Settling;
  /** What is served of a path now. A package that is just being replaced stays what it was until the new one is whole. */
  served(path: string): SnapshotItem | undefined;
  readonly log: Log;
  /** True for the first look of a process: then nothing is held back, and what is broken says so at once. */
  readonly isFirst: boolean;
  /** True while requests are answered: reading yields to them. */
  readonly isServing: boolean;
  /** Ends the build early, with what it has. */
  readonly signal?: AbortSignal;
  progress(done: number, total: number): void;
  /** Told after listing what is known already and holds, before anything is read. */
  onKnown(part: Pick<BuildResult, 'items' | 'quarantine'>): void;
}

/** What a build found. */
export interface BuildResult {
  /** In the order of the sources. */
  readonly items: readonly SnapshotItem[];
  readonly quarantine: readonly QuarantinedPackage[];
  readonly known: KnownPackages;
  /** Packages that were looked into, because they are new or their files changed. */
  readonly read: number;
  /** Packages that can't be read yet and were written to just now: most likely they are still being copied. */
  readonly settling: number;
  /** Packages that are known but were written to just now; they are to be looked at once more. */
  readonly young: number;
  /** When the first of what is known ends by itself, after now (milliseconds since 1970). */
  readonly until: number | undefined;
  /** True when what is known is to be written again: it changed, or only its stamps did. */
  readonly isStale: boolean;
  /** True when the signal ended it: `known` has what was read so far, and of the others what was known before. */
  readonly isAborted: boolean;
  /**
   * True when a path led elsewhere at the end, or packages were gone before they were read (a folder that was renamed): then
   * some packages are of one set, and the others couldn't be read any more.
   */
  readonly isOutdated: boolean;
  /** What is wrong with the package paths themselves; empty when all could be listed. */
  readonly problems: readonly SourceProblem[];
}

/** Lists the source, judges what isn't known, and logs each package that newly went to quarantine once. */
export async function buildIndex(options: BuildOptions): Promise<BuildResult> {
  const { source, pool, rules, known, log, progress } = options;
  const isSettled = options.settling.look();
  const places = await source.places?.();
  const listing = await source.list();
  const next = keepUnlisted(known, listing.problems);
  const now = Date.now();
  const unknown: PackageRef[] = [];
  for (const ref of listing.refs) {
    const before = known.get(ref.path);
    if (before?.stamp === stampOf(ref) && (before.until ?? Infinity) > now) {
      next.set(ref.path, before);
    } else {
      unknown.push(ref);
    }
  }
  if (unknown.length > 0) {
    options.onKnown(collect(listing.refs, next, new Map(), listing.problems));
  }
  const held = new Map<string, SnapshotItem>();
  const counts = { done: 0, settling: 0, young: 0, gone: 0, same: 0 };
  progress(0, unknown.length);
  const candidates = unknown.map((ref) => ({ ref, digest: known.get(ref.path)?.digest }));
  const hold = (path: string, before: KnownPackage | undefined): void => {
    const item = options.served(path);
    if (item && before?.item) {
      held.set(path, item);
      next.set(path, before);
    }
  };
  const remember = (ref: PackageRef, judged: JudgedPackage): void => {
    progress(++counts.done, unknown.length);
    const before = known.get(ref.path);
    const settled = isSettled(ref);
    if (judged.isChanged || (!judged.isSame && !judged.found && !settled && !options.isFirst)) {
      counts.settling++;
      counts.gone += judged.isChanged && !existsSync(ref.path) ? 1 : 0;
      hold(ref.path, before);
      return;
    }
    counts.young += settled ? 0 : 1;
    // Where times are coarse, a file may change again without a new stamp: a young one is looked at once more.
    // What could not be read says nothing about the file: each look tries again.
    const doubt = judged.isUnread === true ? ' unread' : settled ? '' : ' young';
    const stamp = `${stampOf(ref)}${doubt}`;
    counts.same += judged.isUnread === true && before?.stamp === stamp ? 1 : 0;
    next.set(ref.path, judged.isSame && before ? { ...before, stamp } : knownOf(stamp, judged));
    if (!judged.isSame && (judged.found || before?.reasons.join() !== judged.reasons.join())) {
      reportPackage(log, ref, judged);
    }
  };
  await pool.judge(candidates, rules, remember, {
    isGentle: options.isServing,
    ...(options.signal && { signal: options.signal }),
  });
  const isAborted = counts.done < unknown.length;
  if (isAborted) {
    keepUnread(unknown, known, next);
  }
  return {
    ...collect(listing.refs, next, held, listing.problems),
    known: next,
    read: counts.done,
    settling: counts.settling,
    young: counts.young,
    until: firstAfter(now, next),
    isStale: counts.done > counts.same || next.size !== known.size,
    isAborted,
    isOutdated: unknown.length > 0 && (counts.gone > 0 || places !== (await source.places?.())),
    problems: listing.problems,
  };
}

/**
 * What is known below a folder that can't be listed is kept, though it is not served: when the folder is back (a share that
 * was not mounted yet), nothing has to be read again.
 */
function keepUnlisted(known: KnownPackages, problems: readonly SourceProblem[]): Map<string, KnownPackage> {
  const kept = new Map<string, KnownPackage>();
  const folders = problems
    .filter(({ severity, isRoot }) => isRoot === true || severity === 'quarantine')
    .map(({ path }) => `${path}/`);
  if (folders.length > 0) {
    for (const [path, entry] of known) {
      if (folders.some((folder) => path.startsWith(folder))) {
        kept.set(path, entry);
      }
    }
  }
  return kept;
}

/** Their stamps are old, so they will be looked at again; but what they are may turn out to be the same. */
function keepUnread(
  unknown: readonly PackageRef[],
  known: KnownPackages,
  next: Map<string, KnownPackage>,
): void {
  for (const { path } of unknown) {
    const before = known.get(path);
    if (before && !next.has(path)) {
      next.set(path, before);
    }
  }
}

function firstAfter(now: number, known: KnownPackages): number | undefined {
  let first = Infinity;
  for (const { until = Infinity } of known.values()) {
    first = until > now && until < first ? until : first;
  }
  return first === Infinity ? undefined : first;
}

/** What is to be remembered of a package that was judged. */
export function knownOf(stamp: string, { found, reasons, digest, until }: JudgedPackage): KnownPackage {
  const ends = until === undefined ? {} : { until };
  return { stamp, digest, item: found && keep(found), reasons: found ? [] : reasons, ...ends };
}

function keep({ record, summary, detail }: FoundPackage): Omit<SnapshotItem, 'ref'> {
  const bytes = asBuffer(detail);
  return { record, summary: asBuffer(summary), detail: () => Promise.resolve(bytes) };
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function collect(
  refs: readonly PackageRef[],
  known: KnownPackages,
  held: ReadonlyMap<string, SnapshotItem>,
  problems: readonly SourceProblem[],
): Pick<BuildResult, 'items' | 'quarantine'> {
  const items: SnapshotItem[] = [];
  const quarantine: QuarantinedPackage[] = problems
    .filter(({ severity }) => severity === 'quarantine')
    .map(({ path, label, reason }) => ({ path, label, reasons: [reason] }));
  for (const ref of refs) {
    const entry = known.get(ref.path);
    if (entry?.item) {
      items.push(held.get(ref.path) ?? { ref, ...entry.item });
    } else if (entry) {
      quarantine.push({ path: ref.path, label: ref.label, reasons: entry.reasons });
    }
  }
  return { items, quarantine };
}

import type { JudgePool } from '../judge/pool.ts';
import type { FoundPackage, JudgedPackage, JudgeRules } from '../judge/task.ts';
import type { PackageRef, PackageSource, SourceProblem } from '../source/source.ts';
import type { Log } from '../telemetry/log.ts';
import type { QuarantinedPackage } from './indexed-package.ts';
import type { KnownPackage, KnownPackages } from './known-package.ts';
import { stampOf } from './known-package.ts';
import { isSettled } from './settling.ts';
import type { SnapshotItem } from './snapshot.ts';

/** What a build needs. */
export interface BuildOptions {
  readonly source: PackageSource;
  readonly pool: JudgePool;
  readonly rules: JudgeRules;
  /** From the build before, or from disk. Only what changed is read again. */
  readonly known: KnownPackages;
  readonly log: Log;
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
  /** Packages that can't be read yet and were written to just now: most likely they are still being copied. */
  readonly settling: number;
  /** True when something is known now that wasn't, or was another: a new snapshot is due. */
  readonly isChanged: boolean;
  /** True when what is known is to be written again: it changed, or only its stamps did. */
  readonly isStale: boolean;
  /** What is wrong with the package paths themselves; empty when all could be listed. */
  readonly problems: readonly SourceProblem[];
}

/** Lists the source, judges what isn't known, and logs each package that newly went to quarantine once. */
export async function buildIndex(options: BuildOptions): Promise<BuildResult> {
  const { source, pool, rules, known, log, progress } = options;
  const listing = await source.list();
  const start = Date.now();
  const next = new Map<string, KnownPackage>();
  const unknown: PackageRef[] = [];
  for (const ref of listing.refs) {
    const before = known.get(ref.path);
    if (before?.stamp === stampOf(ref)) {
      next.set(ref.path, before);
    } else {
      unknown.push(ref);
    }
  }
  if (unknown.length > 0) {
    options.onKnown(collect(listing.refs, next, listing.problems));
  }
  let done = 0;
  let settling = 0;
  let changed = 0;
  progress(0, unknown.length);
  const candidates = unknown.map((ref) => ({ ref, digest: known.get(ref.path)?.digest }));
  await pool.judge(candidates, rules, (ref, judged) => {
    progress(++done, unknown.length);
    const before = known.get(ref.path);
    const settled = isSettled(ref, start);
    // Where times are coarse, a file may change again without a new stamp: a young one is looked at once more.
    const stamp = settled ? stampOf(ref) : `${stampOf(ref)} young`;
    if (judged.isSame && before) {
      next.set(ref.path, { ...before, stamp });
    } else if (!judged.found && !settled) {
      settling++;
    } else {
      next.set(ref.path, remember(stamp, judged));
      if (judged.found || before?.reasons.join() !== judged.reasons.join()) {
        changed++;
        report(log, ref, judged);
      }
    }
  });
  return {
    ...collect(listing.refs, next, listing.problems),
    known: next,
    settling,
    isChanged: changed > 0 || next.size !== known.size,
    isStale: unknown.length > 0 || next.size !== known.size,
    problems: listing.problems,
  };
}

function remember(stamp: string, { found, reasons, digest }: JudgedPackage): KnownPackage {
  return { stamp, digest, item: found && keep(found), reasons: found ? [] : reasons };
}

function keep({ record, summary, detail }: FoundPackage): Omit<SnapshotItem, 'ref'> {
  const bytes = asBuffer(detail);
  return { record, summary: asBuffer(summary), detail: () => Promise.resolve(bytes) };
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function report(log: Log, ref: PackageRef, { found, reasons, warnings }: JudgedPackage): void {
  const fields = {
    'file.path': ref.path,
    'package.name': found?.record.name,
    'package.version': found?.record.version,
  };
  for (const warning of warnings) {
    log.info({ 'event.action': 'package-warning', ...fields }, `${ref.label}: ${warning}`);
  }
  const [first, ...others] = reasons;
  if (!found && first !== undefined) {
    const more = others.length > 0 ? ` (and ${others.length} more)` : '';
    log.warn(
      { 'event.action': 'package-quarantined', 'fleet_depot.reasons': reasons, ...fields },
      `${ref.label}: ${first}${more}`,
    );
  }
}

function collect(
  refs: readonly PackageRef[],
  known: KnownPackages,
  problems: readonly SourceProblem[],
): Pick<BuildResult, 'items' | 'quarantine'> {
  const items: SnapshotItem[] = [];
  const quarantine: QuarantinedPackage[] = problems
    .filter(({ severity }) => severity === 'quarantine')
    .map(({ path, label, reason }) => ({ path, label, reasons: [reason] }));
  for (const ref of refs) {
    const entry = known.get(ref.path);
    if (entry?.item) {
      items.push({ ref, ...entry.item });
    } else if (entry) {
      quarantine.push({ path: ref.path, label: ref.label, reasons: entry.reasons });
    }
  }
  return { items, quarantine };
}

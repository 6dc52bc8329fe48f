import type { JudgePool } from '../judge/pool.ts';
import type { FoundPackage, JudgedPackage, JudgeRules } from '../judge/task.ts';
import type { PackageRef, PackageSource } from '../source/source.ts';
import type { Log } from '../telemetry/log.ts';
import type { QuarantinedPackage } from './indexed-package.ts';
import type { SnapshotItem } from './snapshot.ts';

/** What is known of one package file, good or bad, for as long as the file doesn't change. */
export type KnownPackage =
  | { readonly stamp: string; readonly item: Omit<SnapshotItem, 'ref'>; readonly reasons?: undefined }
  | { readonly stamp: string; readonly item?: undefined; readonly reasons: readonly string[] };

/** Known packages by absolute path. */
export type KnownPackages = ReadonlyMap<string, KnownPackage>;

/** What a build needs. */
export interface BuildOptions {
  readonly source: PackageSource;
  readonly pool: JudgePool;
  readonly rules: JudgeRules;
  /** From the build before, or from disk. Only what changed is read again. */
  readonly known: KnownPackages;
  readonly log: Log;
  progress(done: number, total: number): void;
}

/** What a build found. */
export interface BuildResult {
  /** In the order of the sources. */
  readonly items: readonly SnapshotItem[];
  readonly quarantine: readonly QuarantinedPackage[];
  readonly known: KnownPackages;
  /** Packages that were read; 0 when nothing changed. */
  readonly read: number;
}

/** Lists the source, judges what isn't known, and logs each package that newly went to quarantine once. */
export async function buildIndex({
  source,
  pool,
  rules,
  known,
  log,
  progress,
}: BuildOptions): Promise<BuildResult> {
  const listing = await source.list();
  const unknown = listing.refs.filter((ref) => known.get(ref.path)?.stamp !== stampOf(ref));
  const next = new Map<string, KnownPackage>();
  for (const ref of listing.refs) {
    const before = known.get(ref.path);
    if (before?.stamp === stampOf(ref)) {
      next.set(ref.path, before);
    }
  }
  let done = 0;
  progress(0, unknown.length);
  await pool.judge(unknown, rules, (ref, judged) => {
    next.set(ref.path, remember(ref, judged));
    report(log, ref, judged);
    progress(++done, unknown.length);
  });
  for (const problem of listing.problems) {
    const fields = { 'event.action': 'source-problem', 'file.path': problem.path };
    log[problem.severity === 'quarantine' ? 'warn' : 'debug'](fields, `${problem.label}: ${problem.reason}`);
  }
  return { ...collect(listing.refs, next, listing.problems), known: next, read: unknown.length };
}

/** A package is the same as long as its archive and its signature are. */
export function stampOf(ref: PackageRef): string {
  return `${ref.stamp} ${ref.signature?.stamp ?? ''}`;
}

function remember(ref: PackageRef, { found, reasons }: JudgedPackage): KnownPackage {
  return found ? { stamp: stampOf(ref), item: keep(found) } : { stamp: stampOf(ref), reasons };
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
    log.warn({ 'event.action': 'package-warning', ...fields }, `${ref.label}: ${warning}`);
  }
  const [first, ...others] = reasons;
  if (first !== undefined) {
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
  problems: readonly {
    readonly path: string;
    readonly label: string;
    readonly reason: string;
    readonly severity: string;
  }[],
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

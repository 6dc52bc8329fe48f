import { parseReference } from '../domain/reference.ts';
import type { PackageRef, SourceListing } from '../source/source.ts';
import type { EntryPool } from './entry-pool.ts';
import type { EntryReport } from './entry-worker.ts';
import type { JudgePool } from './pool.ts';
import type { JudgedPackage, JudgeRules } from './task.ts';

/** What is known of one package, or of something that is none, after everything in it was read. */
export interface InspectedPackage {
  /** False for a path that holds no package, or can't be listed. */
  readonly isPackage: boolean;
  /** Empty where it can't be told. */
  readonly name: string;
  readonly version: string;
  /** Path below the inspected folder. */
  readonly file: string;
  /** `duplicate`: good, but another with its name and version comes first; `ignored`: it was never a package. */
  readonly state: 'ok' | 'quarantine' | 'duplicate' | 'ignored';
  readonly signature: EntryReport['signature'];
  readonly files: number;
  /** Bytes, uncompressed. */
  readonly bytes: number;
  /** Each names file and field. */
  readonly reasons: readonly string[];
  readonly warnings: readonly string[];
}

/** Who does the reading. */
export interface InspectionDeps {
  readonly judges: JudgePool;
  readonly readers: EntryPool;
  /** Told after each of two steps of each package. */
  progress(done: number, total: number): void;
  /** Ends it early. */
  readonly signal: AbortSignal;
}

const unread: EntryReport = { reasons: [], files: 0, bytes: 0, signature: 'none' };

/**
 * Judges every package as the server does and then reads it whole. In the order of the listing, problems behind. Undefined
 * where the signal came first.
 */
export async function inspectPackages(
  { refs, problems }: SourceListing,
  rules: JudgeRules,
  { judges, readers, progress, signal }: InspectionDeps,
): Promise<InspectedPackage[] | undefined> {
  const judged = new Map<PackageRef, JudgedPackage>();
  const read = new Map<PackageRef, EntryReport>();
  const step = (): void => progress(judged.size + read.size, refs.length * 2);
  const candidates = refs.map((ref) => ({ ref, digest: undefined }));
  const noteJudged = (ref: PackageRef, one: JudgedPackage): void => {
    judged.set(ref, one);
    step();
  };
  const noteRead = (ref: PackageRef, one: EntryReport): void => {
    read.set(ref, one);
    step();
  };
  await judges.judge(candidates, rules, noteJudged, { signal });
  await readers.read(refs, rules.limits, noteRead, signal);
  if (signal.aborted) {
    return undefined;
  }
  const firsts = new Map<string, string>();
  const packages = refs.map((ref): InspectedPackage => {
    const entry = describe(ref, judged.get(ref), read.get(ref) ?? unread);
    const first = firsts.get(`${entry.name}-${entry.version}`);
    if (entry.state !== 'ok') {
      return entry;
    }
    if (first !== undefined) {
      return { ...entry, state: 'duplicate', reasons: [`${first} comes first and is served instead`] };
    }
    firsts.set(`${entry.name}-${entry.version}`, entry.file);
    return entry;
  });
  const others = problems.map(({ label, reason, severity }): InspectedPackage => ({
    isPackage: false,
    name: '',
    version: '',
    file: label,
    state: severity,
    ...unread,
    reasons: [reason],
    warnings: [],
  }));
  return [...packages, ...others];
}

function describe(ref: PackageRef, judged: JudgedPackage | undefined, read: EntryReport): InspectedPackage {
  const record = judged?.found?.record;
  const promised = ref.expected ?? parseReference(ref.label.replace(/^.*\/|\.zip$/g, ''));
  const reasons = [...new Set([...(judged?.reasons ?? []), ...read.reasons])];
  return {
    isPackage: true,
    name: record?.name ?? promised?.name ?? '',
    version: record?.version ?? promised?.version ?? '',
    file: ref.label,
    state: reasons.length === 0 ? 'ok' : 'quarantine',
    signature: read.signature,
    files: read.files,
    bytes: read.bytes,
    reasons,
    warnings: judged?.warnings ?? [],
  };
}

import type { Version } from '../domain/version.ts';
import { compareVersions } from '../domain/version.ts';

/** A package that another one needs, with a version constraint. */
export interface Requirement {
  readonly name: string;
  readonly constraint: string;
}

/** A package version that an upstream offers; name and version are checked. */
export interface Candidate {
  readonly name: string;
  readonly version: string;
  readonly parsed: Version;
  /** Address of the archive as the upstream names it: a path, or an absolute address. Absent for pins. */
  readonly download?: string;
  readonly signaturePath?: string;
  /** `conditions.kibana.version`, a constraint. Absent for pins. */
  readonly kibana?: string;
  /** Undefined where it isn't known (pins): the manifest has to be asked. */
  readonly requires?: readonly Requirement[];
}

/** `name-version`, which is also the stem of its file names. */
export function idOf(item: { readonly name: string; readonly version: string }): string {
  return `${item.name}-${item.version}`;
}

/** By name, then by version; versions that differ in build metadata only, by text. */
export function compareCandidates(a: Candidate, b: Candidate): number {
  if (a.name !== b.name) {
    return a.name < b.name ? -1 : 1;
  }
  return compareVersions(a.parsed, b.parsed) || (a.version < b.version ? -1 : a.version > b.version ? 1 : 0);
}

/** The newest `limit` versions of each name; 0 keeps all. Sorted. */
export function newestOfEach(candidates: readonly Candidate[], limit: number): Candidate[] {
  const sorted = candidates.toSorted(compareCandidates);
  if (limit <= 0) {
    return sorted;
  }
  return sorted.filter((candidate, index) => sorted[index + limit]?.name !== candidate.name);
}

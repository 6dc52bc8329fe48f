import type { PackageRef } from '../source/source.ts';
import type { SnapshotItem } from './snapshot-item.ts';

/** What is known of one package file, good or bad, for as long as the file doesn't change. */
export interface KnownPackage {
  /** Of the archive and its signature, as `stampOf` makes it. */
  readonly stamp: string;
  /** Of what the package holds; undefined where it could not be told. */
  readonly digest: string | undefined;
  /** What is served; undefined for a package in quarantine. */
  readonly item: Omit<SnapshotItem, 'ref'> | undefined;
  /** Why it is in quarantine; empty for a package that is served. */
  readonly reasons: readonly string[];
  /** When that ends though no file changes, as with a signature (milliseconds since 1970). */
  readonly until?: number;
}

/** Known packages by absolute path. */
export type KnownPackages = ReadonlyMap<string, KnownPackage>;

/** Of what was judged before its file lay where it is served: no file has this stamp, so its digest decides. */
export const portableStamp = 'elsewhere';

/** A package is the same as long as its archive and its signature are. */
export function stampOf(ref: PackageRef): string {
  return `${ref.stamp} ${ref.signature?.stamp ?? ''}`;
}

import type { SearchEntry } from '../search/entry.ts';
import type { PackageRef } from '../source/source.ts';

/** One package version that is served. */
export interface IndexedPackage extends SearchEntry {
  readonly ref: PackageRef;
  /** Its element of the `/search` answer: ASCII JSON, indented as it stands in the list. */
  readonly summary: Buffer;
  /** Its `/package` answer: ASCII JSON with a newline, gzipped. */
  readonly detail: () => Promise<Buffer>;
}

/** A package that is not served, and why. */
export interface QuarantinedPackage {
  /** Absolute path. */
  readonly path: string;
  /** The path below its package path, as people see it. */
  readonly label: string;
  /** Each names file and field; at least one. */
  readonly reasons: readonly string[];
}

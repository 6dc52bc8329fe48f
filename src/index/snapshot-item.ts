import type { PackageRecord } from '../search/record.ts';
import type { PackageRef } from '../source/source.ts';

/** A package to be served, with what is known of it. */
export interface SnapshotItem {
  readonly ref: PackageRef;
  readonly record: PackageRecord;
  readonly summary: Buffer;
  readonly detail: () => Promise<Buffer>;
}

/** A file that is another one but holds the same (a copy, a touch) is not: it is read at its new place, with its new times. */
export const isSameItem = (a: SnapshotItem, b: SnapshotItem | undefined): boolean =>
  b !== undefined &&
  a.record === b.record &&
  a.ref.path === b.ref.path &&
  a.ref.stamp === b.ref.stamp &&
  a.ref.signature?.stamp === b.ref.signature?.stamp;

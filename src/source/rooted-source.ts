import { lstat } from 'node:fs/promises';
import { sep } from 'node:path';
import type { Log } from '../telemetry/log.ts';
import { mapBounded } from './bounded.ts';
import { rootProblem } from './root-folder.ts';
import type { PackageRef, PackageSource, SourceListing, SourceProblem } from './source.ts';

/** A source that knows its refs again, also after they were sent to a worker thread and back. */
export interface RootedSource extends PackageSource {
  owns(ref: PackageRef): boolean;
}

/** What one kind of packages is to a listing. */
export interface Listed<F> {
  /** For the log: `archives`. */
  readonly what: string;
  find(root: string): Promise<{ readonly found: readonly F[]; readonly problems: readonly SourceProblem[] }>;
  describe(found: F): Promise<PackageRef | SourceProblem>;
  /** How many are described at once. */
  readonly width: number;
}

/** What moves more often than that while it is listed is told as it was found last. */
const maxListings = 3;

/**
 * All packages of one kind below a folder, in the order in which they were found. Where some are gone before they were
 * looked at (a folder that was renamed just now), the folder is listed once more: half of what was there is no state that
 * it ever was in.
 */
export const listRoot = async <F>(root: string, kind: Listed<F>, log: Log): Promise<SourceListing> => {
  for (let count = 1; ; count += 1) {
    const listing = await listOnce(root, kind);
    const areThere = await mapBounded(listing.problems, kind.width, isThere);
    if (areThere.every(Boolean) || count === maxListings) {
      const { refs } = listing;
      log.debug(
        { 'event.action': 'source-listed', 'file.path': root },
        `${root}: ${refs.length} ${kind.what}`,
      );
      return { refs, problems: listing.problems.filter((_, at) => areThere[at]) };
    }
  }
};

const listOnce = async <F>(root: string, kind: Listed<F>): Promise<SourceListing> => {
  const problem = await rootProblem(root);
  if (problem !== undefined) {
    return { refs: [], problems: [problem] };
  }
  const { found, problems } = await kind.find(root);
  const described = await mapBounded(found, kind.width, (one) => kind.describe(one));
  return {
    refs: described.filter((one) => 'stamp' in one),
    problems: [...problems, ...described.filter((one) => 'reason' in one)],
  };
};

/** A package path that is not there is a problem of its own; what lies below it has none when it is gone. */
const isThere = async ({ path, isRoot }: SourceProblem): Promise<boolean> => {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    return isRoot === true || !(error instanceof Error && 'code' in error && error.code === 'ENOENT');
  }
};

/** Whether a ref lies below a root that is an absolute path. */
export const liesBelow = (ref: PackageRef, root: string): boolean =>
  ref.path.startsWith(root === sep ? root : root + sep);

import { stat } from 'node:fs/promises';
import { fileProblem } from '../archive/file-problem.ts';
import { DepotError } from '../domain/errors.ts';
import { liesBelow } from './rooted-source.ts';
import type { PackageRef, SourceListing, SourceProblem } from './source.ts';

/** Tells a package path that was emptied from one whose disk was taken away. */
export interface ServedDisks {
  /** The listing, with a problem of the path itself for each whose packages all went with their file system. */
  check(listing: SourceListing): Promise<SourceListing>;
  /**
   * For a package that isn't found any more: SOURCE_LOST where that is so because its whole package path is away, undefined where the
   * path is there and the package was removed from it.
   */
  lossOf(ref: PackageRef, cause?: unknown): Promise<DepotError | undefined>;
}

const goneDisk = 'the disk that was served is gone: the package path is a folder of another one';

/**
 * What is below a mount point is an empty folder when the disk is gone, and could be taken for a registry without packages. But it
 * lies on another file system than what was served from there.
 */
export const createServedDisks = (roots: readonly string[]): ServedDisks => {
  const served = new Map<string, number>();
  return {
    check: async (listing) => {
      const lost: SourceProblem[] = [];
      for (const root of roots) {
        const disk = await stat(root).then(
          ({ dev }) => dev,
          () => undefined,
        );
        const before = served.get(root);
        if (disk !== undefined && listing.refs.some((ref) => liesBelow(ref, root))) {
          served.set(root, disk);
        } else if (disk !== undefined && before !== undefined && disk !== before) {
          const reason = `${goneDisk}, without packages`;
          lost.push({ path: root, label: root, reason, severity: 'ignored', isRoot: true });
        }
      }
      const isLost = ({ path }: SourceProblem): boolean => lost.some((one) => one.path === path);
      return lost.length === 0
        ? listing
        : { refs: listing.refs, problems: [...listing.problems.filter((one) => !isLost(one)), ...lost] };
    },
    lossOf: async (ref, cause) => {
      for (const root of roots) {
        const reason = liesBelow(ref, root) ? await lossReason(root, served.get(root)) : undefined;
        if (reason !== undefined) {
          return new DepotError('SOURCE_LOST', { path: root, reason }, cause);
        }
      }
      return undefined;
    },
  };
};

const lossReason = async (root: string, disk: number | undefined): Promise<string | undefined> => {
  try {
    const stats = await stat(root);
    if (!stats.isDirectory()) {
      return 'the package path is not a folder';
    }
    return disk === undefined || stats.dev === disk ? undefined : goneDisk;
  } catch (error) {
    return `the package path cannot be read: ${fileProblem(error)}`;
  }
};

import { stat } from 'node:fs/promises';
import { liesBelow } from './rooted-source.ts';
import type { SourceListing, SourceProblem } from './source.ts';

/** Tells a package path that was emptied from one whose disk was taken away. */
export interface ServedDisks {
  /** The listing, with a problem of the path itself for each whose packages all went with their file system. */
  check(listing: SourceListing): Promise<SourceListing>;
}

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
          const reason =
            'the disk that was served is gone: the package path is a folder of another one, without packages';
          lost.push({ path: root, label: root, reason, severity: 'ignored', isRoot: true });
        }
      }
      const isLost = ({ path }: SourceProblem): boolean => lost.some((one) => one.path === path);
      return lost.length === 0
        ? listing
        : { refs: listing.refs, problems: [...listing.problems.filter((one) => !isLost(one)), ...lost] };
    },
  };
};

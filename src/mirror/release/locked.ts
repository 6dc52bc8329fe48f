import { artifactUrls, type WantedFile } from '../../artifacts/release-order.ts';
import type { WantedRelease } from '../../distribution/wanted-release.ts';
import { DepotError } from '../../domain/errors.ts';
import type { LockedFile } from '../record/locked-file.ts';
import { addressesOf, filesOf } from './files.ts';
import { groupFiles, type ReleaseGroup } from './group.ts';
import { hasSnapshotPlace } from './snapshots.ts';

/**
 * The files of a lock file, from the addresses that the definition means now: a set can be made again from a mirror. Throws
 * DepotError LOCK_INVALID where something lies beside nothing.
 */
export const lockedGroups = (
  files: readonly LockedFile[],
  release: WantedRelease,
  lockFile: string,
): readonly ReleaseGroup[] => {
  const { groups, orphans } = groupFiles(
    files.map((locked) => ({ path: locked.path, url: locate(locked, release), locked })),
  );
  const [orphan] = orphans;
  if (orphan !== undefined) {
    throw new DepotError('LOCK_INVALID', {
      file: lockFile,
      reason: `it has ${orphan}, but not the file that this belongs to`,
    });
  }
  // A key is looked at in every run, since it has to be trusted before anything is verified with it.
  return groups.map((group) => ({ ...group, isFixed: group.kind !== 'key' }));
};

const locate = ({ path, source }: LockedFile, release: WantedRelease): string => {
  const addresses = addressesOf(release);
  const [folder = '', ...rest] = path.split('/');
  const file = rest.join('/');
  const flat = (base: string): string => `${base.replace(/\/+$/, '')}/${file}`;
  switch (folder) {
    case 'downloads':
      // The build that a snapshot came from is in its address alone.
      if (path.includes('-SNAPSHOT') && hasSnapshotPlace(release)) {
        return source;
      }
      return artifactUrls(file, addresses.artifacts)[0]?.url ?? source;
    case 'ml-models':
      return flat(addresses.models);
    case 'product-docs':
      return flat(addresses.productDocs);
    default: {
      const wanted = filesOf(release).find((one: WantedFile) => one.path === path);
      return wanted?.url ?? source;
    }
  }
};

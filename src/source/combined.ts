import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Log } from '../telemetry/log.ts';
import { createDirectorySource } from './directory.ts';
import { DepotError } from '../domain/errors.ts';
import { isGone } from '../domain/system-error.ts';
import type { ArchiveLimits, PackageRef, SourceListing, SourceProblem } from './source.ts';
import type { RootedSource } from './rooted-source.ts';
import { createServedDisks, type ServedDisks } from './served-disks.ts';
import { createZipFolderSource } from './zip-folder.ts';

/** Both kinds of packages below each path: the zips of all paths come before the folders of all paths. */
export const createPackageSources = (
  paths: readonly string[],
  limits: ArchiveLimits,
  log: Log,
): RootedSource => {
  const roots = [...new Set(paths.map((path) => resolve(path)))];
  const combined = combineSources([
    ...roots.map((root) => createZipFolderSource(root, limits, log)),
    ...roots.map((root) => createDirectorySource(root, limits, log)),
  ]);
  const disks = createServedDisks(roots);
  return {
    ...combined,
    list: async () => disks.check(await listSteadily(roots, combined)),
    places: () => realPlaces(roots),
    open: (ref) => orLost(combined.open(ref), ref, disks),
    openArchive: (ref) => orLost(combined.openArchive(ref), ref, disks),
    openSignature: async (ref) => {
      const file = await orLost(combined.openSignature(ref), ref, disks);
      const loss = file === undefined && ref.signature !== undefined && (await disks.lossOf(ref));
      if (loss) {
        throw loss;
      }
      return file;
    },
  };
};

/** What was there when it was listed, and is gone with all that lies beside it, comes back: nobody has removed it. */
const orLost = async <T>(opening: Promise<T>, ref: PackageRef, disks: ServedDisks): Promise<T> => {
  try {
    return await opening;
  } catch (error) {
    throw (isGone(error) && (await disks.lossOf(ref, error))) || error;
  }
};

/** More swaps than that during one listing are no switching any more; then what was found last counts. */
const maxListings = 5;

/**
 * A listing of one state. Where a symlink on the way to a path was swapped meanwhile (a depot that switches to another
 * snapshot), names of the old folder would stand beside files of the new one, so it is made again.
 */
const listSteadily = async (roots: readonly string[], source: RootedSource): Promise<SourceListing> => {
  let before = await realPlaces(roots);
  for (let count = 1; ; count += 1) {
    const listing = await source.list();
    const after = await realPlaces(roots);
    if (before === after || count === maxListings) {
      return listing;
    }
    before = after;
  }
};

const realPlaces = async (roots: readonly string[]): Promise<string> =>
  (await Promise.all(roots.map((root) => realpath(root).catch(() => '')))).join('\0');

/** One source of many: lists in their order, opens a ref through the first that owns it. */
export const combineSources = (sources: readonly RootedSource[]): RootedSource => {
  const ownerOf = (ref: PackageRef): RootedSource => {
    const owner = sources.find((source) => source.owns(ref));
    if (owner === undefined) {
      throw new DepotError('FILE_UNREADABLE', { reason: `${ref.path} lies in no package path` });
    }
    return owner;
  };
  return {
    location: [...new Set(sources.map((source) => source.location))].join(', '),
    owns: (ref) => sources.some((source) => source.owns(ref)),
    list: async () => {
      const listings = await Promise.all(sources.map((source) => source.list()));
      return {
        refs: listings.flatMap((listing) => listing.refs),
        problems: distinctProblems(listings.flatMap((listing) => listing.problems)),
      };
    },
    open: async (ref) => ownerOf(ref).open(ref),
    openArchive: async (ref) => ownerOf(ref).openArchive(ref),
    openSignature: async (ref) => ownerOf(ref).openSignature(ref),
    close: async () => {
      await Promise.all(sources.map((source) => source.close()));
    },
  };
};

/** Sources that share a path see the same broken folder: it is told once, and not again for what lies in it. */
const distinctProblems = (problems: readonly SourceProblem[]): SourceProblem[] => {
  const told = new Set<string>();
  const broken = problems.filter((problem) => problem.severity === 'quarantine');
  const paths = new Set(broken.map((problem) => problem.path));
  return problems.filter((problem) => {
    if (told.has(problem.path) || hasAncestor(problem.path, paths)) {
      return false;
    }
    told.add(problem.path);
    return true;
  });
};

const hasAncestor = (path: string, paths: ReadonlySet<string>): boolean => {
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
    if (paths.has(path.slice(0, at))) {
      return true;
    }
  }
  return false;
};

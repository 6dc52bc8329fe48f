import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { fileProblem } from '../archive/file-problem.ts';
import { parseStrictVersion } from '../domain/version.ts';
import type { Log } from '../telemetry/log.ts';
import { createPackageSources } from './combined.ts';
import { findVersionFolder } from './directory.ts';
import { hasManifest } from './root-folder.ts';
import type { ArchiveLimits, PackageRef, SourceListing, SourceProblem } from './source.ts';
import { findZip } from './zip-folder.ts';

/**
 * The packages at a path that a person names: one archive, one version folder `NAME/VERSION`, or a folder of packages as
 * the server takes it. Never throws for what is wrong with the path: that is a problem of the listing.
 */
export const locatePackages = async (
  path: string,
  limits: ArchiveLimits,
  log: Log,
): Promise<SourceListing> => {
  const place = resolve(path);
  let isFolder: boolean;
  try {
    isFolder = (await stat(place)).isDirectory();
  } catch (error) {
    const reason = `it cannot be read: ${fileProblem(error)}`;
    return { refs: [], problems: [{ path: place, label: path, reason, severity: 'quarantine' }] };
  }
  if (!isFolder) {
    return listingOf(await findZip(place));
  }
  const isVersion = parseStrictVersion(basename(place)) !== undefined && (await hasManifest(place));
  return isVersion
    ? listingOf(await findVersionFolder(place, limits))
    : createPackageSources([place], limits, log).list();
};

const listingOf = (found: PackageRef | SourceProblem): SourceListing =>
  'stamp' in found ? { refs: [found], problems: [] } : { refs: [], problems: [found] };

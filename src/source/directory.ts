import { basename, dirname, join, resolve } from 'node:path';
import type { Dirent } from 'node:fs';
import { DepotError } from '../domain/errors.ts';
import { parseStrictVersion } from '../domain/version.ts';
import type { Log } from '../telemetry/log.ts';
import { isArtifactFolder } from './artifact-folder.ts';
import { liesBelow, listRoot, type RootedSource } from './rooted-source.ts';
import { createFolderArchives } from './folder-archives.ts';
import { openFolderPackage } from './folder-package.ts';
import { walkPackageFolder } from './package-folder.ts';
import { hasManifest, itemKind, listFolder } from './root-folder.ts';
import type { ArchiveLimits, PackageRef, SourceProblem } from './source.ts';

/** How many packages are walked at once. */
const walkWidth = 4;

interface FoundVersion {
  readonly name: string;
  readonly version: string;
  readonly path: string;
  readonly label: string;
}

/**
 * The source of unpacked packages, `{path}/{name}/{version}/`, in the order of their paths. Archives are left to the
 * source of zips without a word; every other stray file, and a folder that is no strict version, is `ignored` (a folder with
 * a manifest goes to quarantine).
 */
export const createDirectorySource = (path: string, limits: ArchiveLimits, log: Log): RootedSource => {
  const root = resolve(path);
  const archives = createFolderArchives((ref) => openFolderPackage(ref.path, limits));
  return {
    location: root,
    owns: (ref) => ref.kind === 'folder' && liesBelow(ref, root),
    list: () =>
      listRoot(
        root,
        {
          what: 'folders',
          find: findVersions,
          describe: (version) => describeVersion(version, limits),
          width: walkWidth,
        },
        log,
      ),
    open: (ref) => openFolderPackage(ref.path, limits),
    openArchive: (ref) => archives.open(ref),
    openSignature: () => Promise.resolve(undefined),
    close: () => archives.close(),
  };
};

const findVersions = async (root: string): Promise<{ found: FoundVersion[]; problems: SourceProblem[] }> => {
  const found: FoundVersion[] = [];
  const problems: SourceProblem[] = [];
  const names = await foldersOf(root, '', problems);
  for (const name of names) {
    for (const version of await foldersOf(join(root, name), `${name}/`, problems)) {
      const item = { name, version, path: join(root, name, version), label: `${name}/${version}` };
      if (parseStrictVersion(version)) {
        found.push(item);
      } else {
        problems.push({
          path: item.path,
          label: item.label,
          reason: 'the folder name is not a version (MAJOR.MINOR.PATCH); packages lie in NAME/VERSION',
          // One with a manifest was meant to be a package: whoever put it there is to hear of it.
          severity: (await hasManifest(item.path)) ? 'quarantine' : 'ignored',
        });
      }
    }
  }
  return { found, problems };
};

/** Names of the folders in a folder; what else lies there goes to the problems. */
const foldersOf = async (folder: string, prefix: string, problems: SourceProblem[]): Promise<string[]> => {
  const { items, problem } = await listFolder(folder);
  if (items === undefined) {
    problems.push({
      path: folder,
      label: prefix.slice(0, -1),
      reason: problem,
      severity: 'quarantine',
      // Gone since it was asked a moment ago.
      ...(prefix === '' && { isRoot: true }),
    });
    return [];
  }
  const names: string[] = [];
  for (const item of items) {
    const kind = await itemKind(join(folder, item.name), item);
    if (kind === 'folder') {
      if (!isArtifactFolder(prefix + item.name)) {
        names.push(item.name);
      }
    } else if (!isArchiveName(item)) {
      const reason =
        kind === undefined
          ? 'a symlink that leads nowhere'
          : 'a stray file; packages lie in NAME/VERSION or are zips';
      problems.push({
        path: join(folder, item.name),
        label: prefix + item.name,
        reason,
        severity: 'ignored',
      });
    }
  }
  return names;
};

// Archives, their signatures, and what `sync` and `sign --resign` leave beside them.
const isArchiveName = (item: Dirent): boolean =>
  /\.zip(?:\.sig(?:\.orig)?)?$/.test(item.name) || item.name === 'distribution.lock';

/** One version folder `…/NAME/VERSION` by its path, as the source two folders above would find it. */
export const findVersionFolder = (
  path: string,
  limits: ArchiveLimits,
): Promise<PackageRef | SourceProblem> => {
  const [name, version] = [basename(dirname(path)), basename(path)];
  return describeVersion({ name, version, path, label: `${name}/${version}` }, limits);
};

const describeVersion = async (
  found: FoundVersion,
  limits: ArchiveLimits,
): Promise<PackageRef | SourceProblem> => {
  const { path, label, name, version } = found;
  try {
    const { stamp, size, modifiedAt } = await walkPackageFolder(path, limits);
    return { kind: 'folder', path, label, expected: { name, version }, stamp, size, modifiedAt };
  } catch (error) {
    if (error instanceof DepotError) {
      return { path, label, reason: error.message, severity: 'quarantine' };
    }
    throw error;
  }
};

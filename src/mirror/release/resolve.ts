import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readDefendManifest, type DefendManifest } from '../../artifacts/defend-manifest.ts';
import { artifactUrls, defendUrls, type WantedFile } from '../../artifacts/release-order.ts';
import type { WantedRelease } from '../../distribution/wanted-release.ts';
import { DepotError } from '../../domain/errors.ts';
import { showUrl, Transient } from '../../net/http.ts';
import type { WantedProblem } from '../planning/plan.ts';
import type { LockedFile } from '../record/locked-file.ts';
import { fetchSmall, absent, type SmallFetch } from '../transfer/small-fetch.ts';
import { addressesOf, filesOf } from './files.ts';
import { groupFiles, type ReleaseGroup } from './group.ts';
import { hasSnapshotPlace, locateSnapshots } from './snapshots.ts';

/** What a definition asks for besides packages. */
export interface WantedGroups {
  readonly groups: readonly ReleaseGroup[];
  /** What could not be asked: manifests. */
  readonly problems: readonly WantedProblem[];
}

/**
 * Every file that a definition means. The manifests of Elastic Defend are fetched for it, because only they say which files
 * belong to them; one that can't be had is a problem, and the rest goes on.
 */
export const resolveRelease = async (release: WantedRelease, deps: SmallFetch): Promise<WantedGroups> => {
  const addresses = addressesOf(release);
  const groups = await locateSnapshots(groupFiles(filesOf(release)).groups, release, deps);
  const found: ReleaseGroup[] = [];
  const problems: WantedProblem[] = [];
  const referred = new Map<string, ReleaseGroup>();
  for (const group of groups) {
    if (group.kind !== 'manifest') {
      found.push(group);
      continue;
    }
    const { path, url } = group.main;
    try {
      const body = await fetchSmall(url, deps);
      if (body === undefined) {
        throw absent(url);
      }
      const manifest = await readManifest(body);
      if (manifest.problem !== undefined) {
        throw new DepotError('UPSTREAM_ANSWER', {
          url: showUrl(url),
          reason: `the manifest ${manifest.problem}`,
        });
      }
      const files = defendUrls(manifest.urls, addresses);
      for (const one of groupFiles(files).groups) {
        const expected = manifest.facts.get(`/${one.main.path}`);
        referred.set(one.main.path, { ...one, ...(expected ? { expected } : {}) });
      }
      found.push({ ...group, body, needs: files.map((file) => file.path) });
    } catch (error) {
      const known = error instanceof Transient ? error.error : error;
      if (!(known instanceof DepotError) || known.code === 'INTERRUPTED') {
        throw known;
      }
      problems.push({ label: path, reason: known.message, error: known });
    }
  }
  return { groups: [...found, ...referred.values()], problems };
};

/** The reader of zips wants a file; a plan must leave nothing in the folder. */
const readManifest = async (body: Buffer): Promise<DefendManifest> => {
  const folder = await mkdtemp(join(tmpdir(), 'fleet-depot-'));
  try {
    const file = join(folder, 'manifest.zip');
    await writeFile(file, body);
    return await readDefendManifest(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

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

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readDefendManifest, type DefendManifest } from '../../artifacts/defend-manifest.ts';
import type { ReferenceAddresses } from '../../artifacts/reference-addresses.ts';
import { defendUrls } from '../../artifacts/release-order.ts';
import type { WantedRelease } from '../../distribution/wanted-release.ts';
import { DepotError } from '../../domain/errors.ts';
import { reportedFault, showUrl } from '../../net/http.ts';
import type { WantedProblem } from '../planning/plan.ts';
import { fetchSmall, absent, type SmallFetch } from '../transfer/small-fetch.ts';
import { addressesOf, filesOf } from './files.ts';
import { groupFiles, type ReleaseGroup } from './group.ts';
import { locateSnapshots } from './snapshots.ts';

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
    try {
      const manifest = await resolveManifest(group, addresses, deps);
      found.push(manifest.group);
      manifest.referred.forEach((one) => referred.set(one.main.path, one));
    } catch (error) {
      const known = reportedFault(error);
      if (!(known instanceof DepotError) || known.code === 'INTERRUPTED') {
        throw known;
      }
      problems.push({ label: group.main.path, reason: known.message, error: known });
    }
  }
  return { groups: [...found, ...referred.values()], problems };
};

/** Fetches a manifest, which says what it refers to. Throws DepotError, or Transient. */
const resolveManifest = async (
  group: ReleaseGroup,
  addresses: ReferenceAddresses,
  deps: SmallFetch,
): Promise<{ readonly group: ReleaseGroup; readonly referred: readonly ReleaseGroup[] }> => {
  const { url } = group.main;
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
  const referred = groupFiles(files).groups.map((one) => {
    const expected = manifest.facts.get(`/${one.main.path}`);
    return { ...one, ...(expected ? { expected } : {}) };
  });
  return { group: { ...group, body, needs: files.map((file) => file.path) }, referred };
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

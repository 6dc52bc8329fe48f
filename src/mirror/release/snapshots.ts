import type { WantedRelease } from '../../distribution/wanted-release.ts';
import { DepotError } from '../../domain/errors.ts';
import { reportedFault, showUrl } from '../../net/http.ts';
import { fetchSmall, absent, type SmallFetch } from '../transfer/small-fetch.ts';
import { addressesOf } from './files.ts';
import type { ReleaseFile, ReleaseGroup } from './group.ts';

const versionForm = /-(\d+\.\d+\.\d+-SNAPSHOT)-/;

/** Whether snapshots come from a repository of their own, as agents see it: unless a mirror has all of the artifacts. */
export const hasSnapshotPlace = ({ references }: WantedRelease): boolean =>
  references.artifacts === undefined || references.snapshots !== undefined;

/**
 * Gives the artifacts of snapshots their addresses: those of the newest build, whose id the repository tells for each version.
 * Where it doesn't, the groups carry the fault.
 */
export const locateSnapshots = async (
  groups: readonly ReleaseGroup[],
  release: WantedRelease,
  deps: SmallFetch,
): Promise<readonly ReleaseGroup[]> => {
  if (!hasSnapshotPlace(release)) {
    return groups;
  }
  const base = addressesOf(release).snapshots.replace(/\/+$/, '');
  const builds = new Map<string, Promise<string | DepotError>>();
  return Promise.all(
    groups.map(async (group) => {
      const version = group.kind === 'artifact' ? versionForm.exec(group.main.path)?.[1] : undefined;
      if (version === undefined) {
        return group;
      }
      const asked = builds.get(version) ?? askBuild(new URL(`${base}/latest/${version}.json`), deps);
      builds.set(version, asked);
      const build = await asked;
      if (build instanceof DepotError) {
        return { ...group, fault: build };
      }
      const locate = (file: ReleaseFile): ReleaseFile => ({
        ...file,
        url: new URL(`${base}/${build}/${file.path}`),
      });
      return { ...group, main: locate(group.main), beside: group.beside.map(locate) };
    }),
  );
};

const askBuild = async (url: URL, deps: SmallFetch): Promise<string | DepotError> => {
  try {
    const body = await fetchSmall(url, deps);
    if (body === undefined) {
      return absent(url);
    }
    const { build_id: build } = JSON.parse(body.toString('utf8')) as { readonly build_id?: unknown };
    return typeof build === 'string' && /^\d+\.\d+\.\d+-[0-9A-Za-z]+$/.test(build)
      ? build
      : new DepotError('UPSTREAM_ANSWER', { url: showUrl(url), reason: 'it names no build_id' });
  } catch (error) {
    const known = reportedFault(error);
    if (known instanceof SyntaxError) {
      return new DepotError('UPSTREAM_ANSWER', { url: showUrl(url), reason: 'it is no JSON' }, error);
    }
    if (!(known instanceof DepotError) || known.code === 'INTERRUPTED') {
      throw known;
    }
    return known;
  }
};

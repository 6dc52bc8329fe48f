import {
  defendManifestPath,
  orderedFiles,
  referenceAddresses,
  type ReferenceAddresses,
  type ReleaseWish,
  type WantedFile,
} from '../artifacts/release-set.ts';
import type { WantedRelease } from '../distribution/wanted-release.ts';

/** The addresses that a definition means: its own, else the public ones. */
export const addressesOf = (release: WantedRelease): ReferenceAddresses => ({
  ...referenceAddresses,
  ...release.references,
});

/** Every file of a definition that is known before anything is fetched. */
export const filesOf = (release: WantedRelease): readonly WantedFile[] => {
  const addresses = addressesOf(release);
  const wishes: ReleaseWish[] = release.artifacts.flatMap(({ versions, ...wish }) =>
    versions.map((version) => ({ ...wish, version })),
  );
  const keys = Object.fromEntries(
    Object.entries(release.keys).map(([name, url]) => [name, url === '' ? addresses.agentKey : url]),
  );
  return orderedFiles({ ...release, artifacts: wishes, keys }, addresses);
};

/** Whether a path is the manifest of a Defend version, whose own files follow it. */
export const isManifest = (path: string, release: WantedRelease): boolean =>
  release.defend.some((version) => defendManifestPath(version) === `/${path}`);

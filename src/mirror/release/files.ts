import { releaseFiles, releaseSet, type ReleaseWish } from '../../artifacts/release-set.ts';
import { referenceAddresses, type ReferenceAddresses } from '../../artifacts/reference-addresses.ts';
import { orderedFiles, type WantedFile } from '../../artifacts/release-order.ts';
import { nearestWord } from '../../distribution/suggestion.ts';
import type { WantedRelease } from '../../distribution/wanted-release.ts';
import { DepotError } from '../../domain/errors.ts';

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

/**
 * Refuses a definition that asks for what nobody makes: a name that is none, or a platform and packages that no file is for.
 * Throws DepotError DEFINITION_INVALID; `label` is the definition's.
 */
export const refuseUnknown = (release: WantedRelease, label: string): void => {
  const fail = (reason: string): never => {
    throw new DepotError('DEFINITION_INVALID', { file: label, reason });
  };
  const known = releaseSet.map(({ name }) => name);
  for (const { versions, ...wish } of release.artifacts) {
    for (const name of wish.names?.filter((one) => !known.includes(one)) ?? []) {
      const near = nearestWord(name, known);
      fail(
        `no artifact is named '${name}': ${near === undefined ? `known are ${known.join(', ')}` : `did you mean '${near}'?`}`,
      );
    }
    const [version = ''] = versions;
    if (releaseFiles({ ...wish, version }).length === 0) {
      const { names = ['any'], platforms, packages = ['tar.gz', 'zip'] } = wish;
      fail(`there is no file of ${names.join(', ')} for ${platforms.join(', ')} as ${packages.join(', ')}`);
    }
  }
};

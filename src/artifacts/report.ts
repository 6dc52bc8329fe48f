import type { Artifact } from './artifact.ts';
import type { FolderFault } from './inventory.ts';
import { presentReleases, type PresentRelease } from './present-releases.ts';
import type { ArtifactScan } from './scan.ts';

/** The state of all artifacts in one small object, for health, metrics and reports. */
export interface ArtifactReport {
  readonly policy: 'strict' | 'lenient';
  /** False until the folders were listed for the first time. */
  readonly listed: boolean;
  readonly files: number;
  readonly bytes: number;
  readonly good: number;
  readonly unchecked: number;
  readonly quarantined: number;
  /** Keys that make signatures good; expired and revoked ones are left out. */
  readonly trusted_keys: number;
  /** The first of what is in quarantine, sidecars left out. */
  readonly quarantine: readonly { readonly path: string; readonly reasons: readonly string[] }[];
  readonly faults: readonly FolderFault[];
  /** What is here of each version and platform. */
  readonly releases: readonly PresentRelease[];
}

const shownFaults = 50;

/** Counts a scan; `listed` is whether the folders were listed at least once. */
export const reportArtifacts = (
  { artifacts, faults, keys }: ArtifactScan,
  policy: ArtifactReport['policy'],
  listed: boolean,
): ArtifactReport => {
  const all = [...artifacts.values()];
  const count = (state: Artifact['state']): number => all.filter((one) => one.state === state).length;
  return {
    policy,
    listed,
    files: all.length,
    bytes: all.reduce((sum, { size }) => sum + size, 0),
    good: count('good'),
    unchecked: count('unchecked'),
    quarantined: count('quarantined'),
    trusted_keys: keys.usable,
    quarantine: all
      .filter(({ state, kind }) => state === 'quarantined' && kind !== 'sha512' && kind !== 'signature')
      .slice(0, shownFaults)
      .map(({ path, reasons }) => ({ path, reasons })),
    faults: faults.slice(0, shownFaults),
    releases: presentReleases(all),
  };
};

import { posix } from 'node:path';
import { compareVersions, parseLooseVersion } from '../domain/version.ts';
import type { Artifact } from './artifact.ts';
import { parseArtifactName } from './artifact-name.ts';
import { mounts } from './mounts.ts';
import { agentPlatforms, releaseFiles } from './release-set.ts';

/** What is here of one version and platform. */
export interface PresentRelease {
  readonly version: string;
  readonly platform: string;
  readonly good: number;
  readonly unchecked: number;
  readonly refused: number;
  /** Of the guide's full set. */
  readonly missing: readonly string[];
  /** Whether agents can take this version here; a FIPS build alone is for others. */
  readonly hasAgent: boolean;
}

/** Every version and platform of which something is here, newest version last, as far as agents know the platform. */
export const presentReleases = (artifacts: readonly Artifact[]): readonly PresentRelease[] => {
  const groups = new Map<string, Artifact[]>();
  for (const artifact of artifacts.filter(({ kind }) => kind === 'package')) {
    const name = parseArtifactName(posix.basename(artifact.path));
    if (name && name.platform in agentPlatforms) {
      const key = `${name.version} ${name.platform}`;
      groups.set(key, [...(groups.get(key) ?? []), artifact]);
    }
  }
  const releases = [...groups].map(([key, files]) => {
    const [version = '', platform = ''] = key.split(' ');
    const here = new Set(files.map(({ path }) => path));
    const count = (state: Artifact['state']): number => files.filter((one) => one.state === state).length;
    const wanted = releaseFiles({ version, platforms: [platform] });
    return {
      version,
      platform,
      good: count('good'),
      unchecked: count('unchecked'),
      refused: count('quarantined'),
      missing: wanted.filter(({ path }) => !here.has(mounts.downloads + path)).map(({ name }) => name),
      hasAgent: files.some((one) => one.state === 'good' && agentFile.test(one.path)),
    };
  });
  return releases.toSorted(
    (a, b) => compareVersionTexts(a.version, b.version) || (a.platform < b.platform ? -1 : 1),
  );
};

const agentFile = /\/elastic-agent-\d[^/]*$/;

/** By SemVer; builds of one version by their text. */
export const compareVersionTexts = (a: string, b: string): number => {
  const [one, other] = [parseLooseVersion(a), parseLooseVersion(b)];
  return (one && other && compareVersions(one, other)) || (a < b ? -1 : a > b ? 1 : 0);
};

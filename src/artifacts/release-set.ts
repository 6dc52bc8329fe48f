import type { PackageType } from './artifact-name.ts';

/** One kind of artifact of a release. */
export interface ReleaseArtifact {
  /** Folder below `/downloads/`: `beats/elastic-agent`. */
  readonly folder: string;
  readonly name: string;
  /** `agent`: an upgrade fails without it. `full`: part of the guide's list; which are needed depends on the integrations. */
  readonly need: 'agent' | 'full';
  /** The systems that it is made for. */
  readonly systems: readonly System[];
}

/** An operating system as file names write it. */
export type System = 'linux' | 'windows' | 'darwin';

const everywhere: readonly System[] = ['linux', 'windows', 'darwin'];

const beat = (
  name: string,
  systems = everywhere,
  need: ReleaseArtifact['need'] = 'full',
): ReleaseArtifact => ({
  folder: `beats/${name}`,
  name,
  need,
  systems,
});

/** The guide's full set of a release: every folder of the artifact registry and what lies in it. */
export const releaseSet: readonly ReleaseArtifact[] = [
  beat('elastic-agent', everywhere, 'agent'),
  { folder: 'apm-server', name: 'apm-server', need: 'full', systems: everywhere },
  beat('auditbeat'),
  beat('filebeat'),
  beat('heartbeat'),
  beat('metricbeat'),
  beat('osquerybeat'),
  beat('packetbeat'),
  beat('winlogbeat', ['windows']),
  { folder: 'cloudbeat', name: 'cloudbeat', need: 'full', systems: ['linux'] },
  { folder: 'endpoint-dev', name: 'endpoint-security', need: 'full', systems: everywhere },
  { folder: 'fleet-server', name: 'fleet-server', need: 'full', systems: everywhere },
  { folder: 'prodfiler', name: 'pf-host-agent', need: 'full', systems: ['linux'] },
  { folder: 'prodfiler', name: 'pf-elastic-collector', need: 'full', systems: ['linux'] },
  { folder: 'prodfiler', name: 'pf-elastic-symbolizer', need: 'full', systems: ['linux'] },
];

/** Names that a folder below `/downloads/` takes; undefined for a folder that isn't in the table. */
export const namesOfFolder = (folder: string): readonly string[] | undefined => {
  const names = releaseSet.filter((one) => one.folder === folder).map(({ name }) => name);
  return names.length === 0 ? undefined : names;
};

/** Every platform that agents ask for, with its archive. Linux says `arm64`, macOS `aarch64`. */
export const agentPlatforms: Readonly<Record<string, PackageType>> = {
  'linux-x86_64': 'tar.gz',
  'linux-arm64': 'tar.gz',
  'windows-x86_64': 'zip',
  'windows-arm64': 'zip',
  'darwin-x86_64': 'tar.gz',
  'darwin-aarch64': 'tar.gz',
};

/** Packages for people: what stands between version and extension, by platform. */
const peoplesNames: Readonly<Record<'deb' | 'rpm' | 'msi', Readonly<Record<string, string>>>> = {
  deb: { 'linux-x86_64': 'amd64', 'linux-arm64': 'arm64' },
  rpm: { 'linux-x86_64': 'x86_64', 'linux-arm64': 'aarch64' },
  msi: { 'windows-x86_64': 'windows-x86_64' },
};

/** What is wanted of a release. */
export interface ReleaseWish {
  readonly version: string;
  /** Keys of `agentPlatforms`. */
  readonly platforms: readonly string[];
  /** Names of `releaseSet`; the whole set where left out. */
  readonly names?: readonly string[];
  /** The archives that agents take where left out. */
  readonly packages?: readonly PackageType[];
}

/** A file of a release. */
export interface ReleaseFile {
  /** Below `/downloads/`. */
  readonly path: string;
  readonly name: string;
  readonly platform: string;
  readonly need: ReleaseArtifact['need'];
}

/** The artifacts of a wish, each once, without their sidecars. */
export const releaseFiles = (wish: ReleaseWish): readonly ReleaseFile[] => {
  const types = wish.packages ?? ['tar.gz', 'zip'];
  const files: ReleaseFile[] = [];
  for (const { folder, name, need, systems } of releaseSet) {
    if (wish.names && !wish.names.includes(name)) {
      continue;
    }
    for (const platform of wish.platforms) {
      if (!systems.some((system) => platform.startsWith(`${system}-`))) {
        continue;
      }
      for (const type of types) {
        const middle =
          type === 'tar.gz' || type === 'zip'
            ? agentPlatforms[platform] === type && platform
            : peoplesNames[type][platform];
        if (middle) {
          files.push({ path: `${folder}/${name}-${wish.version}-${middle}.${type}`, name, platform, need });
        }
      }
    }
  }
  return files;
};

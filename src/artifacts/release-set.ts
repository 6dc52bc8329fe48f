import type { PackageType } from './artifact-name.ts';

/** Where the reference files of a release come from. One table; every address may be replaced. */
export interface ReferenceAddresses {
  /** Ends before `/downloads/`. */
  readonly artifacts: string;
  /** Ends before `/{version}-{hash}/downloads/`. */
  readonly snapshots: string;
  /** The key that agents ask for by this very name. */
  readonly agentKey: string;
  readonly models: string;
  readonly productDocs: string;
}

/** The public addresses. */
export const referenceAddresses: ReferenceAddresses = {
  artifacts: 'https://artifacts.elastic.co',
  snapshots: 'https://snapshots.elastic.co',
  agentKey: 'https://artifacts.elastic.co/GPG-KEY-elastic-agent',
  models: 'https://ml-models.elastic.co',
  productDocs: 'https://kibana-knowledge-base-artifacts.elastic.co',
};

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

/** A file to fetch: from where, and its path below the artifact folder's root. */
export interface WantedFile {
  readonly url: string;
  /** `downloads/beats/…`, `keys/…`, `ml-models/…`, `product-docs/…`. */
  readonly path: string;
}

/** The addresses of an artifact, its digest and its signature. A `+` in a name stays as it is. */
export const artifactUrls = (path: string, base: string): readonly WantedFile[] =>
  ['', '.sha512', '.asc'].map((end) => ({
    url: `${base.replace(/\/+$/, '')}/downloads/${path}${end}`,
    path: `downloads/${path}${end}`,
  }));

/** All that a definition's `artifacts:`, `keys:`, `defend:`, `models:` and `docs:` may ask for. */
export interface ReleaseOrder {
  readonly artifacts?: readonly ReleaseWish[];
  /** File names by address; the agents' key under its own name where left out. */
  readonly keys?: Readonly<Record<string, string>>;
  /** Endpoint versions; what their manifests refer to is found with `defendUrls` once they are here. */
  readonly defend?: readonly string[];
  /** `elser_model_2_linux-x86_64`, … */
  readonly models?: readonly string[];
  /** Versions (major.minor) of the product docs. */
  readonly docs?: readonly string[];
}

const productDocs = ['elasticsearch', 'kibana', 'observability', 'security'] as const;

/** The files of an order, each path once, in the order of the definition. */
export const orderedFiles = (
  order: ReleaseOrder,
  addresses: ReferenceAddresses = referenceAddresses,
): readonly WantedFile[] => {
  const flat = (base: string, folder: string, file: string): WantedFile => ({
    url: `${base.replace(/\/+$/, '')}/${file}`,
    path: `${folder}/${file}`,
  });
  const files = [
    ...(order.artifacts ?? []).flatMap((wish) =>
      releaseFiles(wish).flatMap(({ path }) => artifactUrls(path, addresses.artifacts)),
    ),
    ...Object.entries(order.keys ?? {}).map(([name, url]) => ({ url, path: `keys/${name}` })),
    ...(order.defend ?? [])
      .map((version) => flat(addresses.artifacts, '.', defendManifestPath(version).slice(1)))
      .map(({ url, path }) => ({ url, path: path.slice(2) })),
    ...(order.models ?? []).flatMap((model) =>
      ['.metadata.json', '.pt', '.vocab.json'].map((end) =>
        flat(addresses.models, 'ml-models', `${model}${end}`),
      ),
    ),
    ...(order.docs ?? []).flatMap((version) =>
      productDocs.map((product) =>
        flat(addresses.productDocs, 'product-docs', `kb-product-doc-${product}-${version}.zip`),
      ),
    ),
  ];
  return [...new Map(files.map((file) => [file.path, file])).values()];
};

/** Where endpoints of a version ask for their global manifest, below the server's root. */
export const defendManifestPath = (version: string): string =>
  `/downloads/endpoint/manifest/artifacts-${version}.zip`;

/** The files that a Defend manifest refers to. `relative` are its `relative_url`s, checked by `readDefendManifest`. */
export const defendUrls = (
  relative: readonly string[],
  addresses: ReferenceAddresses = referenceAddresses,
): readonly WantedFile[] =>
  [...new Set(relative)].map((path) => ({
    url: `${addresses.artifacts.replace(/\/+$/, '')}${path}`,
    path: path.slice(1),
  }));

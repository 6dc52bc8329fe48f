/** The folders that files come from; each is left out where its setting is. */
export interface ArtifactRoots {
  /** The folder that has `downloads/` in it. */
  readonly artifacts?: string;
  readonly keys?: string;
  readonly models?: string;
  readonly productDocs?: string;
}

/** Where each folder's files are asked for. */
export const mounts = {
  downloads: '/downloads/',
  keys: '/keys/',
  models: '/ml-models/',
  productDocs: '/product-docs/',
} as const;

/** The paths that have a folder. */
export const mountsOf = (roots: ArtifactRoots): readonly string[] =>
  [
    roots.artifacts === undefined ? undefined : mounts.downloads,
    roots.keys === undefined ? undefined : mounts.keys,
    roots.models === undefined ? undefined : mounts.models,
    roots.productDocs === undefined ? undefined : mounts.productDocs,
  ].filter((one) => one !== undefined);

/** The key that agents, fleet-server and Kibana's guides call by this name. */
export const agentKeyPath = '/GPG-KEY-elastic-agent';

/** The part of the downloads that Elastic Defend asks for: its files have no sidecars. */
export const isDefendPath = (path: string): boolean => path.startsWith('endpoint/');

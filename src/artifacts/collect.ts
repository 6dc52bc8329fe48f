import { posix } from 'node:path';
import { quarantined, type Artifact, type ArtifactKind, type Judgement } from './artifact.ts';
import { sidecarOf } from './artifact-name.ts';
import type { FoundFile } from './inventory.ts';

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

/** Puts a file and its judgement together. */
export const artifactOf = (
  mount: string,
  file: FoundFile,
  kind: ArtifactKind,
  judgement: Judgement,
): Artifact => ({
  path: mount + file.path,
  kind,
  absolute: file.absolute,
  size: file.size,
  modifiedAt: file.modifiedAt,
  stamp: file.stamp,
  ...judgement,
});

/** A sidecar shares the fate of its artifact: agents ask all three or none. */
export const sidecarArtifact = (file: FoundFile, artifact: Artifact | undefined): Artifact => {
  const kind = sidecarOf(file.path)?.end === '.asc' ? 'signature' : 'sha512';
  if (!artifact) {
    return artifactOf(mounts.downloads, file, kind, quarantined(['has no artifact beside it']));
  }
  return artifactOf(
    mounts.downloads,
    file,
    kind,
    artifact.state === 'quarantined'
      ? quarantined([`belongs to ${posix.basename(artifact.path)}, which is in quarantine`])
      : { state: artifact.state, reasons: [], warnings: [] },
  );
};

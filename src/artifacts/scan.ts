import { compareBytes } from '../archive/byte-order.ts';
import { artifactOf, type Artifact, type Judgement } from './artifact.ts';
import { judgeDocs } from './judge-docs.ts';
import { agentKeyPath, mounts, type ArtifactRoots } from './mounts.ts';
import type { PendingContent } from './content-check.ts';
import type { DigestMemory } from './digest-memory.ts';
import { liesBelow, listFolders } from './folders.ts';
import type { FolderFault, FoundFile } from './inventory.ts';
import { judgeDefend, type KnownManifests } from './judge-defend.ts';
import { judgeDownloads } from './judge-downloads.ts';
import { judgeModelFile } from './judge-model.ts';
import { judgeKeyFile } from './judge-key.ts';
import type { PublicKeyInfo } from '../signing/public-key.ts';
import { withPatience } from './patience.ts';
import { noKeys, trustKeys, type TrustedKeys } from './trusted-keys.ts';

/** All files at one moment. Immutable. */
export interface ArtifactScan {
  /** By the path that they are asked for, in the order of the paths. */
  readonly artifacts: ReadonlyMap<string, Artifact>;
  readonly faults: readonly FolderFault[];
  /** Mounts whose folder can't be read now. */
  readonly lost: ReadonlySet<string>;
  readonly pending: readonly PendingContent[];
  readonly keys: TrustedKeys;
  /** What was judged for good, by what it was judged of: the next scan reads none of it again. */
  readonly judged: ReadonlyMap<string, Judgement>;
  /** Manifests of Elastic Defend, for the next scan too. */
  readonly manifests: KnownManifests;
}

/** What a scan needs. */
export interface ScanDeps {
  readonly roots: ArtifactRoots;
  readonly memory: DigestMemory;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Milliseconds by a clock that nobody sets. */
  readonly steady?: () => number;
}

/** A scan that has found nothing yet. */
export const emptyScan: ArtifactScan = {
  artifacts: new Map(),
  faults: [],
  lost: new Set(),
  pending: [],
  keys: noKeys,
  judged: new Map(),
  manifests: new Map(),
};

/**
 * Lists every folder and judges every file by what is known; reads no large file. What lay in a folder that can't be read now
 * stays as it was: an agent gives up on 404, so that a disk which is away for a moment must not look like absent files.
 */
export const scanArtifacts = async (
  { roots, memory, now: clock = Date.now, steady = () => performance.now() }: ScanDeps,
  before: ArtifactScan = emptyScan,
): Promise<ArtifactScan> => {
  const inventories = await listFolders(roots);
  const now = clock();
  const { lost, faults } = inventories;
  const found: Artifact[] = [...before.artifacts.values()].filter(({ path }) => liesBelow(lost, path));
  const listedKeys = await trustKeys(await judgeKeys(inventories.keys.files, found));
  const keys = lost.has(mounts.keys) ? before.keys : listedKeys;
  const isLost = lost.has(mounts.downloads);
  const judged = new Map<string, Judgement>(isLost ? before.judged : []);
  const { files } = inventories.downloads;
  const pending = await judgeDownloads(files, { keys, memory, before: before.judged, judged, now }, found);
  const defend = await judgeDefend(files, memory, before.manifests);
  for (const { file, judgement, task } of defend.judged) {
    found.push(artifactOf(mounts.downloads, file, 'defend', judgement));
    if (task) {
      pending.push({ file, task });
    }
  }
  const models = new Map(inventories.models.files.map((file) => [file.path, file]));
  for (const file of models.values()) {
    const model = await judgeModelFile(file, models, memory);
    found.push(artifactOf(mounts.models, file, 'model', model.judgement));
    if (model.pending) {
      pending.push(model.pending);
    }
  }
  for (const file of inventories.productDocs.files) {
    found.push(artifactOf(mounts.productDocs, file, 'product-doc', await judgeDocs(file)));
  }
  return {
    artifacts: withPatience(
      found.toSorted((a, b) => compareBytes(a.path, b.path)),
      before.artifacts,
      steady(),
    ),
    faults,
    lost,
    pending,
    keys,
    judged,
    manifests: isLost ? before.manifests : defend.manifests,
  };
};

/** Returns the keys to trust: what we serve as a key is what agents will trust. */
const judgeKeys = async (
  files: readonly FoundFile[],
  found: Artifact[],
): Promise<readonly PublicKeyInfo[]> => {
  const all: PublicKeyInfo[] = [];
  for (const file of files) {
    const { judgement, keys } = await judgeKeyFile(file);
    const artifact = artifactOf(mounts.keys, file, 'key', judgement);
    found.push(artifact);
    if (`/${file.path}` === agentKeyPath) {
      found.push({ ...artifact, path: agentKeyPath });
    }
    all.push(...keys);
  }
  return all;
};

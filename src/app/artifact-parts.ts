import { createContentChecker } from '../artifacts/content-pool.ts';
import type { ArtifactRoots } from '../artifacts/mounts.ts';
import {
  createVolatileMemory,
  followDigestMemory,
  openDigestMemory,
  type DigestMemory,
} from '../artifacts/digest-memory.ts';
import { createArtifactStore, type ArtifactStore } from '../artifacts/store.ts';
import type { Config } from '../config/settings.ts';
import { defaultCacheFolder } from '../index/cache-folder.ts';
import type { Log } from '../telemetry/log.ts';

/** Which process reads the contents of artifacts: one alone, or one for others that follow it. */
export type ArtifactRole =
  | { readonly kind: 'alone' }
  | { readonly kind: 'reads'; readonly cacheFolder: string; onChange(): void }
  | {
      readonly kind: 'follows';
      readonly cacheFolder: string;
      onStale(): void;
      onCredentialFailure(client: string): void;
    };

/** The folders of the settings; undefined where no setting asks for artifacts. */
export const artifactRoots = (config: Config): ArtifactRoots | undefined => {
  const { artifactsPath, keysPath, modelsPath, productDocsPath } = config;
  const roots = {
    ...(artifactsPath === undefined ? {} : { artifacts: artifactsPath }),
    ...(keysPath === undefined ? {} : { keys: keysPath }),
    ...(modelsPath === undefined ? {} : { models: modelsPath }),
    ...(productDocsPath === undefined ? {} : { productDocs: productDocsPath }),
  };
  return Object.keys(roots).length === 0 ? undefined : roots;
};

/** The store of a process. One that follows looks only when it is told to. */
export const openArtifactStore = async (
  config: Config,
  roots: ArtifactRoots,
  role: ArtifactRole,
  log: Log,
): Promise<ArtifactStore> => {
  const folder =
    role.kind === 'alone' ? (config.cacheDir ?? defaultCacheFolder(process.env)) : role.cacheFolder;
  // One memory for all: a depot's models lie beside its artifacts.
  const root = roots.artifacts ?? roots.models;
  const common = { roots, policy: config.artifactPolicy, log };
  if (role.kind === 'follows') {
    const memory = root === undefined ? undefined : followDigestMemory(folder, root);
    return createArtifactStore({
      ...common,
      memory: memory ?? createVolatileMemory(),
      onStale: () => role.onStale(),
    });
  }
  const memory: DigestMemory =
    root === undefined ? createVolatileMemory() : await openDigestMemory(folder, root);
  return createArtifactStore({
    ...common,
    memory,
    checker: createContentChecker(),
    interval: config.artifactsRescan,
    ...(role.kind === 'reads' ? { onChange: () => role.onChange() } : {}),
  });
};

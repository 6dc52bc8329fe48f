import { createContentChecker } from '../artifacts/content-pool.ts';
import { createVolatileMemory, openDigestMemory } from '../artifacts/digest-memory.ts';
import { createArtifactStore, type ArtifactStore } from '../artifacts/store.ts';
import type { Config } from '../config/settings.ts';
import { silentLog } from '../telemetry/silent-log.ts';

/** Folders that a verb looks into. */
export interface ArtifactFolders {
  readonly artifacts?: string;
  readonly keys?: string;
}

/** As given, else as the server of this environment has them. */
export const artifactFolders = (
  given: { readonly artifacts?: string | undefined; readonly keys?: string | undefined },
  config: Config,
): ArtifactFolders => {
  const artifacts = given.artifacts ?? config.artifactsPath;
  const keys = given.keys ?? config.keysPath;
  return { ...(artifacts === undefined ? {} : { artifacts }), ...(keys === undefined ? {} : { keys }) };
};

/** Lists and reads everything, hands the store over, and closes it. Uses the digests that a server has remembered. */
export const withArtifacts = async <T>(
  folders: ArtifactFolders,
  cache: string,
  use: (store: ArtifactStore) => Promise<T> | T,
): Promise<T> => {
  const store = createArtifactStore({
    roots: folders,
    policy: 'strict',
    memory:
      folders.artifacts === undefined
        ? createVolatileMemory()
        : await openDigestMemory(cache, folders.artifacts),
    checker: createContentChecker(2),
    log: silentLog,
  });
  try {
    await store.refresh();
    await store.settled();
    return await use(store);
  } finally {
    await store.close();
  }
};

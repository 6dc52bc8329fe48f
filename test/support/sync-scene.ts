import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { scratch } from './scratch.ts';
import type { Publisher } from './signed-packages.ts';
import { runSyncVerb, writeDefinition, type SyncRun } from './sync-run.ts';
import { startUpstream, type FakeUpstream } from './upstream.ts';

/** A registry with some packages, a definition that asks for all of them, and a folder to fill. */
export interface SyncScene {
  readonly upstream: FakeUpstream;
  readonly folder: string;
  readonly to: string;
  readonly definition: string;
  run(...words: string[]): Promise<SyncRun>;
}

/** What a scene may have otherwise. */
export interface SceneOptions {
  /** Of the definition, below its address; all packages where left out. */
  readonly rest?: string;
  /** What `publisher.make` is called with for each package; an apache and two versions of nginx where left out. */
  readonly packages?: readonly Parameters<Publisher['make']>[];
}

const threePackages: readonly Parameters<Publisher['make']>[] = [
  ['apache', '1.0.0'],
  ['nginx', '1.2.0'],
  ['nginx', '1.3.0'],
];

/** Starts it; it ends with the test. */
export async function createSyncScene(
  t: ExecutionContext,
  publisher: Publisher,
  { rest, packages = threePackages }: SceneOptions = {},
): Promise<SyncScene> {
  const upstream = await startUpstream(t);
  const folder = await scratch(t);
  upstream.offer(...(await Promise.all(packages.map((one) => publisher.make(...one)))));
  const definition = writeDefinition(folder, upstream.address, rest);
  const to = join(folder, 'to');
  return {
    upstream,
    folder,
    to,
    definition,
    run: (...words) =>
      runSyncVerb([definition, '--to', to, '--json', ...words], { key: publisher.publicKey }),
  };
}

import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { scratch } from './scratch.ts';
import type { Publisher } from './signed-packages.ts';
import { runSyncVerb, writeDefinition, type SyncRun } from './sync-run.ts';
import { startUpstream, type FakeUpstream } from './upstream.ts';

/** A registry with three packages, a definition that asks for all of them, and a folder to fill. */
export interface SyncScene {
  readonly upstream: FakeUpstream;
  readonly folder: string;
  readonly to: string;
  readonly definition: string;
  run(...words: string[]): Promise<SyncRun>;
}

/** Starts it; it ends with the test. */
export async function createSyncScene(
  t: ExecutionContext,
  publisher: Publisher,
  rest?: string,
): Promise<SyncScene> {
  const upstream = await startUpstream();
  t.teardown(() => upstream.close());
  const folder = await scratch(t);
  upstream.offer(
    await publisher.make('apache', '1.0.0'),
    await publisher.make('nginx', '1.2.0'),
    await publisher.make('nginx', '1.3.0'),
  );
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

import type { ExecutionContext } from 'ava';
import { startServer, type TestServer } from './server.ts';

/** A server with an artifact registry whose files were all listed and read. */
export interface ArtifactServer extends TestServer {
  readonly artifacts: NonNullable<TestServer['app']['artifacts']>;
  /** Lists and reads again. */
  rescan(): Promise<void>;
}

/** Starts one with these flags; it is closed at the end of the test. */
export const startArtifacts = async (
  t: ExecutionContext,
  flags: Readonly<Record<string, string>>,
): Promise<ArtifactServer> => {
  const server = await startServer({ flags: { 'shutdown-timeout': '0s', ...flags } });
  t.teardown(() => server.close());
  const { artifacts } = server.app;
  if (!artifacts) {
    throw new Error('no setting asks for artifacts');
  }
  const rescan = async (): Promise<void> => {
    await artifacts.refresh();
    await artifacts.settled();
  };
  await rescan();
  return { ...server, artifacts, rescan };
};

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext, TestFn } from 'ava';
import { scratch } from './scratch.ts';
import { startServer, type TestServer, type TestServerOptions } from './server.ts';

/** A server over a folder of packages. */
export interface ServedFolder extends TestServer {
  readonly root: string;
}

type Fill = (root: string) => Promise<unknown>;
type Options = Omit<TestServerOptions, 'packagePaths'>;

/** One server for all tests of a file: started before them, closed after them. The answer gives it to a running test. */
export const serverFor = (test: TestFn, fill: Fill, options: Options = {}): (() => ServedFolder) => {
  let served: ServedFolder | undefined;
  test.before(async () => {
    const root = await mkdtemp(join(tmpdir(), 'fleet-depot-test-'));
    await fill(root);
    served = { ...(await startServer({ ...options, packagePaths: [root] })), root };
  });
  test.after.always(async () => {
    await served?.close();
    await rm(served?.root ?? '', { recursive: true, force: true });
  });
  return () => {
    if (served === undefined) {
      throw new Error('the server is started by test.before');
    }
    return served;
  };
};

/** A server for one test alone. */
export const serveFolder = async (
  t: ExecutionContext,
  fill: Fill,
  options: Options = {},
): Promise<ServedFolder> => {
  const root = await scratch(t);
  await fill(root);
  const server = await startServer({ ...options, packagePaths: [root] });
  t.teardown(() => server.close());
  return { ...server, root };
};

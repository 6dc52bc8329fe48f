import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';

/** A fresh folder for one test, removed after it. */
export const scratch = async (t: ExecutionContext): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'fleet-depot-test-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
};

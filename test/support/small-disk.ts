import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ExecutionContext } from 'ava';

/** A small file system in memory; undefined where this process may not mount one. */
export const smallDisk = async (t: ExecutionContext, options: string): Promise<string | undefined> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'fleet-depot-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'pipe' });
  } catch {
    await rm(folder, { recursive: true, force: true });
    t.log('skipped: this user may not mount a tmpfs');
    return undefined;
  }
  t.teardown(async () => {
    execFileSync('umount', ['-l', folder]);
    await rm(folder, { recursive: true, force: true });
  });
  return folder;
};

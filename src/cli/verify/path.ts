import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DepotError } from '../../domain/errors.ts';
import { listArchives } from '../../signing/archive-list.ts';
import { unreadableFile } from '../../signing/file-problem.ts';
import type { ReadLock } from '../../signing/locked-archive.ts';
import type { SignatureVerifier } from '../../signing/signature.ts';
import {
  absentItems,
  verifyItem,
  type SetChecks,
  type VerifiedItem,
} from '../../signing/verified-archive.ts';
import { createItemProgress } from '../item-progress.ts';
import type { CommandIo } from '../verb.ts';
import type { VerifyDeps, VerifyOptions } from './deps.ts';
import { isReleaseFile } from './release-files.ts';

const lockName = 'distribution.lock';

/** Checks one path of the command line: a folder, a lock file, an archive or a bundle. Throws DepotError USAGE for anything else. */
export const verifyPath = async (
  path: string,
  options: VerifyOptions,
  verifier: SignatureVerifier,
  io: CommandIo,
  deps: VerifyDeps,
): Promise<readonly VerifiedItem[]> => {
  if (path.endsWith('.zip.sig')) {
    throw new DepotError('USAGE', {
      reason: `${path} is a signature: name its archive, ${path.slice(0, -4)}`,
    });
  }
  const folder = await isFolder(path);
  // A lock file stands for the packages that it names, beside it.
  const locked = !folder && path.endsWith('.lock') && deps.readLock !== undefined;
  if (!folder && !locked && !path.endsWith('.zip')) {
    if (deps.verifyBundle === undefined) {
      throw new DepotError('USAGE', { reason: `${path} is neither a folder nor a .zip archive` });
    }
    return deps.verifyBundle(path, verifier, (text) => io.stderr.write(`${text}\n`));
  }
  const lock = locked ? await deps.readLock?.(path) : folder ? await findLock(path, io, deps) : undefined;
  const archives = (await findArchives(path, locked ? lock : undefined)).filter(
    (archive) => !folder || !isReleaseFile(path, archive),
  );
  const checks = {
    checkArchive: deps.checkArchive,
    lock,
    verifier: options.signatures ? verifier : undefined,
  };
  const items = await verifyArchives(archives, checks, options, io);
  const [lockFile, scope] = locked ? ([path, 'listed'] as const) : ([join(path, lockName), 'all'] as const);
  const others =
    lock === undefined ? [] : ((await deps.verifyFiles?.(lockFile, checks.verifier, scope)) ?? []);
  if (archives.length + others.length === 0) {
    io.stderr.write(`${path}: there is no archive (*.zip) in it\n`);
  }
  return lock === undefined ? items : [...items, ...absentItems(archives, lock), ...others];
};

/** One after the other, until Ctrl-C. */
const verifyArchives = async (
  archives: readonly string[],
  checks: SetChecks,
  options: VerifyOptions,
  io: CommandIo,
): Promise<readonly VerifiedItem[]> => {
  const progress = createItemProgress(io, 'verified', archives.length, options.json === true);
  const items: VerifiedItem[] = [];
  try {
    for (const archive of archives) {
      if (io.signal.aborted) {
        break;
      }
      items.push(await verifyItem(archive, checks));
      progress.step();
    }
  } finally {
    progress.stop();
  }
  return items;
};

/** Archives of a folder or a path; with a lock file's content only those that it names. */
const findArchives = async (path: string, only: ReadLock | undefined): Promise<readonly string[]> => {
  if (only === undefined) {
    return listArchives([path]);
  }
  const named = new Set(only.archives.map(({ file }) => file));
  return (await listArchives([only.folder])).filter((archive) => named.has(basename(archive)));
};

const isFolder = async (path: string): Promise<boolean> => {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw unreadableFile(path, error);
  }
};

const findLock = async (folder: string, io: CommandIo, deps: VerifyDeps): Promise<ReadLock | undefined> => {
  const path = join(folder, lockName);
  const there = await stat(path).catch(() => undefined);
  if (there === undefined) {
    return undefined;
  }
  if (deps.readLock === undefined) {
    io.stderr.write(`${path} was not checked\n`);
    return undefined;
  }
  return deps.readLock(path);
};

import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DepotError } from '../domain/errors.ts';
import { listArchives } from '../signing/archive-list.ts';
import type { SignatureVerifier } from '../signing/signature.ts';
import { unreadableFile } from '../signing/file-problem.ts';
import type { ReadLock } from '../signing/locked-archive.ts';
import { absentItems, verifyItem, type VerifiedItem } from '../signing/verified-archive.ts';
import { createVerifier } from '../signing/verifier.ts';
import { createItemProgress } from './item-progress.ts';
import { addKeyringOptions, openKeyring, type KeyringOptions } from './keys.ts';
import { createOutput, type Output } from './output.ts';
import { exitCodes, type CommandIo, type Verb } from './verb.ts';
import { isReleaseFile } from './verify/release-files.ts';

/** What the verb `verify` works with. */
export interface VerifyDeps {
  /** Reads an archive whole; throws DepotError where it is broken or isn't the package that its name says. */
  readonly checkArchive: (path: string) => Promise<void>;
  /** Reads a folder's lock file; throws DepotError where it is broken. Absent: lock files aren't checked. */
  readonly readLock?: (path: string) => Promise<ReadLock>;
  /** Checks what a lock file has besides packages, and of its folder (`all`) what it hasn't; with `readLock` only. */
  readonly verifyFiles?: (
    lockFile: string,
    verifier: SignatureVerifier | undefined,
    scope: 'listed' | 'all',
  ) => Promise<readonly VerifiedItem[]>;
  /**
   * Checks a bundle (a file that is no `.zip`): one item for each of its files, `ok` only for a bundle that may be
   * imported. `note` is told what the reader should know besides. Absent: bundles are refused as unknown.
   */
  readonly verifyBundle?: (
    path: string,
    verifier: SignatureVerifier,
    note: (text: string) => void,
  ) => Promise<readonly VerifiedItem[]>;
  /** Of a depot: an item for its journal where that is broken, and for what in its current snapshot isn't as recorded. */
  readonly verifyDepot?: (depot: string) => Promise<readonly VerifiedItem[]>;
}

interface VerifyOptions extends KeyringOptions {
  readonly json?: boolean;
  readonly all?: boolean;
  readonly signatures: boolean;
  readonly acceptExpiredKeys?: boolean;
}

const lockName = 'distribution.lock';

/** `fleet-depot verify DIR|FILE|LOCK|BUNDLE…`: archives whole, as the lock file says, signed by a trusted key. */
export const createVerifyVerb = (deps: VerifyDeps): Verb => ({
  name: 'verify',
  register(program, io, finish) {
    addKeyringOptions(program.command('verify'))
      .description('Check archives, lock file and signatures')
      .argument('<path...>', 'folders, depots, archives, lock files or bundles')
      .option('--no-signatures', 'check only that archives are whole and as the lock file says')
      .option('--accept-expired-keys', 'take what a key signed before it expired, as Kibana does')
      .option('--all', 'list the good ones as well')
      .option('--json', 'print JSON')
      .action(async (paths: string[], options: VerifyOptions) => {
        finish(await verify(paths, options, io, deps));
      });
  },
});

const verify = async (
  paths: readonly string[],
  options: VerifyOptions,
  io: CommandIo,
  deps: VerifyDeps,
): Promise<number> => {
  const verifiers = createVerifiers(options, io);
  const items: VerifiedItem[] = [];
  for (const path of paths) {
    if (io.signal.aborted) {
      break;
    }
    const isDepot = (await stat(join(path, 'depot.json')).catch(() => undefined)) !== undefined;
    // Of a depot its current snapshot is meant, with its record, and its journal; `snapshot verify` checks all of it.
    const place = isDepot ? join(path, 'current') : path;
    if (!isDepot || (await stat(place).catch(() => undefined)) !== undefined) {
      const verifier = await verifiers(isDepot ? path : undefined);
      items.push(...(await verifyPath(place, options, verifier, io, deps)));
    }
    items.push(...(isDepot ? ((await deps.verifyDepot?.(path)) ?? []) : []));
  }
  report(items, options, io);
  const bad = items.filter((item) => !item.ok).length;
  if (io.signal.aborted) {
    io.stderr.write('interrupted: the rest was not checked\n');
    return exitCodes.partly;
  }
  return exitCodeOf(items.length, bad);
};

/** Gives the verifier of the keyring that is named; else of a depot's own, where it has one; else of the user's. */
const createVerifiers = (
  options: VerifyOptions,
  io: CommandIo,
): ((depot: string | undefined) => Promise<SignatureVerifier>) => {
  const opened = new Map<string, SignatureVerifier>();
  return async (depot) => {
    const own = depot !== undefined && (await stat(join(depot, 'keys')).catch(() => undefined)) !== undefined;
    const keyring = openKeyring({ ...(own ? { depot } : {}), ...options }, io);
    const known = opened.get(keyring.location);
    if (known) {
      return known;
    }
    if (options.signatures && (await keyring.list()).length === 0) {
      io.stderr.write(
        `the keyring ${keyring.location} is empty; \`fleet-depot keys add elastic\` adds Elastic's key\n`,
      );
    }
    const verifier = createVerifier(
      keyring,
      options.acceptExpiredKeys === true ? { expiredKeys: 'signed-before' } : {},
    );
    opened.set(keyring.location, verifier);
    return verifier;
  };
};

/** 0 where all is well, 1 where nothing is, 3 where some of it is. */
export const exitCodeOf = (total: number, failed: number): number => {
  if (failed === 0 && total > 0) {
    return exitCodes.ok;
  }
  return failed === total ? exitCodes.failed : exitCodes.partly;
};

const verifyPath = async (
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
  const progress = createItemProgress(io, 'verified', archives.length, options.json === true);
  const items: VerifiedItem[] = [];
  const checks = {
    checkArchive: deps.checkArchive,
    lock,
    verifier: options.signatures ? verifier : undefined,
  };
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
  const [lockFile, scope] = locked ? ([path, 'listed'] as const) : ([join(path, lockName), 'all'] as const);
  const others =
    lock === undefined ? [] : ((await deps.verifyFiles?.(lockFile, checks.verifier, scope)) ?? []);
  if (archives.length + others.length === 0) {
    io.stderr.write(`${path}: there is no archive (*.zip) in it\n`);
  }
  return lock === undefined ? items : [...items, ...absentItems(archives, lock), ...others];
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

const report = (items: readonly VerifiedItem[], options: VerifyOptions, io: CommandIo): void => {
  const out = createOutput(io);
  const bad = items.filter((item) => !item.ok);
  const good = items.length - bad.length;
  if (options.json === true) {
    out.json({ items, summary: { good, bad: bad.length } });
    return;
  }
  const shown = options.all === true || items.length <= 20 ? items : bad;
  if (shown.length > 0) {
    out.table(
      ['ARCHIVE', 'WHOLE', 'LOCK', 'SIGNATURE', 'SIGNER', 'ORIGINAL', 'WHY'],
      shown.map((item) => [
        item.path,
        item.archive,
        item.lock,
        item.signature,
        item.signer ?? '-',
        item.original?.state ?? '-',
        item.reasons.join('; '),
      ]),
    );
  }
  reportSigners(items, out);
  reportOriginals(items, out);
  out.line(`${good} good, ${bad.length} bad`);
};

/** Whose signatures were good: where all is well, no table says it. */
const reportSigners = (items: readonly VerifiedItem[], out: Output): void => {
  const counts = new Map<string, number>();
  for (const { signature, signer } of items) {
    if (signature === 'good' && signer !== undefined) {
      counts.set(signer, (counts.get(signer) ?? 0) + 1);
    }
  }
  for (const [signer, count] of counts) {
    out.line(`${count} signed by ${signer}`);
  }
};

/** What became of the signatures that archives came with, and how an auditor checks those that nothing here can. */
const reportOriginals = (items: readonly VerifiedItem[], out: Output): void => {
  const originals = items.flatMap(({ original }) => (original === undefined ? [] : [original]));
  const intact = originals.filter(({ state }) => state === 'good').length;
  const kept = originals.filter(({ state }) => state === 'kept').length;
  if (intact > 0) {
    out.line(`${intact} signed anew; the signature that they came with is good as well`);
  }
  if (kept > 0) {
    out.line(
      `${kept} changed and signed anew; the signature that they came with is beside them (X.zip.sig.orig) and fits an ` +
        'archive of the digest that --json shows under original',
    );
  }
};

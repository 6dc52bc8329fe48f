import { DepotError } from '../../domain/errors.ts';
import { emptyRelease } from '../../distribution/wanted-release.ts';
import type { SyncResult } from '../../mirror/carry-out.ts';
import type { Layout } from '../../mirror/record/layout.ts';
import { readLockFile, type LockFile } from '../../mirror/record/lock-file.ts';
import type { SyncDeps, SyncPlan } from '../../mirror/sync-deps.ts';
import { runSync } from '../../mirror/sync.ts';
import { showUrl } from '../../net/http.ts';
import { readBaseAddress } from '../base-address.ts';
import { openPackagePart, type SyncPart } from './packages.ts';
import { showPlan } from './report.ts';
import type { SyncRun } from './run.ts';
import { openSyncTarget } from './target.ts';

/** Which parts of a definition go into a folder. */
export interface WantedParts {
  readonly packages: boolean;
  readonly release: boolean;
}

/** One run into one folder or depot. */
export async function fill(folder: string, wanted: WantedParts, run: SyncRun): Promise<SyncResult> {
  const { definition, options, io, concurrency } = run;
  const dryRun = options.dryRun ?? false;
  const address = readBaseAddress(options.address ?? definition.address, '--address');
  const target = await openSyncTarget(folder, {
    dryRun,
    partial: options.partial ?? false,
    note: `sync of ${definition.label}${wanted.packages ? ` from ${showUrl(address)}` : ''}`,
  });
  const { layout } = target;
  const lockFile = options.lock ?? target.lockFile;
  const lock = options.locked ? await readLock(lockFile, wanted.release) : undefined;
  const parts = await openParts(wanted, { layout, address, lockFile, lock }, run);
  const deps: SyncDeps = {
    ...target.hooks,
    layout,
    ...parts.deps,
    signal: io.signal,
    onPlan: (plan: SyncPlan) => showPlan(plan, definition, options, io),
  };
  const request = {
    distribution: lock?.distribution ?? definition.label,
    address: lock?.address ?? showUrl(address),
    dryRun,
    locked: lock !== undefined,
    prune: options.prune ?? false,
    maxSize: definition.maxSize,
    concurrency,
    // A question for each archive is a request more; with --quiet nobody watches the time left.
    askSizes: options.sizes && (dryRun || options.json === true || options.quiet !== true),
    requireSignature: options.requireSignature,
  };
  try {
    return await runSync(request, deps);
  } finally {
    await parts.close();
  }
}

/** Where a set comes from and goes to. */
interface Sources {
  readonly layout: Layout;
  readonly address: URL;
  readonly lockFile: string;
  readonly lock: LockFile | undefined;
}

const openParts = async (
  wanted: WantedParts,
  { layout, address, lockFile, lock }: Sources,
  run: SyncRun,
): Promise<SyncPart<Pick<SyncDeps, 'packages' | 'release'>>> => {
  const { definition, options } = run;
  const packages = wanted.packages ? await openPackagePart(layout, address, lock, run) : undefined;
  // A lock file stands for all of its set, also where the definition has forgotten a part of it.
  const hasRelease = wanted.release || (lock?.files !== undefined && options.artifactsTo === undefined);
  try {
    // Loaded where it is needed: it brings the pool of hashing threads along.
    const { openReleasePart } = hasRelease ? await import('./artifacts.ts') : {};
    const release = await openReleasePart?.(layout, definition.release ?? emptyRelease, lock, lockFile, run);
    return {
      deps: {
        ...(packages ? { packages: packages.deps } : {}),
        ...(release ? { release: release.deps } : {}),
      },
      close: async () => {
        await Promise.all([release?.close(), packages?.close()]);
      },
    };
  } catch (error) {
    await packages?.close();
    throw error;
  }
};

const readLock = async (file: string, wantsFiles: boolean): Promise<LockFile> => {
  const lock = await readLockFile(file);
  if (!lock) {
    throw new DepotError('LOCK_INVALID', { file, reason: 'there is none' });
  }
  if (wantsFiles && lock.files === undefined) {
    throw new DepotError('LOCK_INVALID', {
      file,
      reason: 'it names no artifacts, keys, models or docs, which the definition asks for',
    });
  }
  return lock;
};

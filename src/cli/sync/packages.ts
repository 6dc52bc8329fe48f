import { availableParallelism } from 'node:os';
import { DepotError } from '../../domain/errors.ts';
import { createArchiveChecker } from '../../mirror/checking/archive-checker.ts';
import { createBodyMemory } from '../../mirror/transfer/body-memory.ts';
import type { Layout } from '../../mirror/record/layout.ts';
import type { LockFile } from '../../mirror/record/lock-file.ts';
import { locateLocked } from '../../mirror/planning/locked.ts';
import { locateItems } from '../../mirror/packages/make-plan.ts';
import { silentProgress } from '../../mirror/transfer/progress.ts';
import { createStripper } from '../../mirror/packages/stripper.ts';
import type { PackageDeps } from '../../mirror/packages/deps.ts';
import { createUpstream, type Upstream } from '../../mirror/planning/upstream.ts';
import { resolveWanted } from '../../mirror/planning/wanted.ts';
import type { RetryPolicy } from '../../net/retry.ts';
import { createHostPolicy, type HostPolicy } from '../../net/upstream-hosts.ts';
import { sortKeysLater } from '../../signing/sorted-keys.ts';
import { readRetryPolicy } from '../outgoing-options.ts';
import { readInstalled } from './installed.ts';
import { openResigner } from './resigner.ts';
import { createProgress } from './progress.ts';
import { checkLimits, downloadPlace } from './options.ts';
import type { SyncRun } from './run.ts';

/** A part of a run, and what has to be closed after it. */
export interface SyncPart<Deps> {
  readonly deps: Deps;
  close(): Promise<void>;
}

/** What brings the packages of a definition or of a lock file. */
export async function openPackagePart(
  layout: Layout,
  address: URL,
  lock: LockFile | undefined,
  run: SyncRun,
): Promise<SyncPart<PackageDeps>> {
  const { definition, options, io, client } = run;
  const retry = readRetryPolicy(options);
  const limits = checkLimits(options);
  // Larger archives are read again from the disk.
  const memory = createBodyMemory(32 * 2 ** 20, 16 * 2 ** 20);
  const keys = await readKeys(run);
  const trusted = await knownKeys(run, keys);
  const { upstream, policy, known } = openRegistry(address, lock, retry, run);
  const signer = await openResigner(
    lock ? lock.packages.some((one) => one.original) : definition.stripScreenshots,
    options,
    io,
    run.loadSigner,
  );
  // One thread checks while this one fetches; more only where there are cores for them.
  const threads = Math.max(1, Math.min(4, availableParallelism() - 1));
  const checker = createArchiveChecker(threads, limits, keys, memory);
  if (options.dryRun !== true) {
    // They load their code while the registry is asked what there is.
    checker.start();
  }
  const quiet = options.json === true || options.quiet === true || options.dryRun === true;
  return {
    deps: {
      layout,
      client,
      policy,
      retry,
      checker,
      memory,
      hasKeys: keys.length > 0,
      sortedKeys: trusted.length > 0 ? sortKeysLater(trusted) : undefined,
      upstream,
      ...(signer ? { stripper: createStripper({ signer, checker, limits }) } : {}),
      maxArchiveBytes: limits.maxBytes,
      signal: io.signal,
      progress: quiet ? silentProgress : createProgress(io.stderr, io.isTerminal, 'packages'),
      resolve: async () => {
        if (lock) {
          const elsewhere = options.address === undefined ? undefined : address;
          return { items: locateLocked(lock, elsewhere, policy, known), problems: [] };
        }
        const installed = await readInstalled(definition, options, io, client, retry);
        return locateItems(await resolveWanted(definition, installed, upstream, io.signal), upstream);
      },
    },
    close: () => checker.close(),
  };
}

/** The registry that is asked, the hosts that archives may come from, and the addresses whose passwords are known. */
const openRegistry = (
  address: URL,
  lock: LockFile | undefined,
  retry: RetryPolicy,
  { definition, options, client }: SyncRun,
): { readonly upstream: Upstream; readonly policy: HostPolicy; readonly known: readonly URL[] } => {
  const download = definition.actions.find((action) => action.kind === 'download');
  const downloads = downloadPlace(download, address, options);
  // A set is made again from where it came, which may have been another --address.
  const origin = lock && options.address === undefined ? [new URL(lock.address)] : [];
  const known = [address, 'bucket' in downloads ? downloads.bucket : downloads.address];
  const policy = createHostPolicy([...known, ...origin], options.allowRedirectHost);
  const upstream = createUpstream({
    client,
    policy,
    retry,
    address,
    downloads,
    maxJsonBytes: 512 * 2 ** 20,
  });
  return { upstream, policy, known };
};

/** Of a dry run the keys that are there already, without a fault where there are none or broken ones: nothing is checked. */
const knownKeys = async (
  { trust, options, io }: SyncRun,
  keys: readonly string[],
): Promise<readonly string[]> =>
  options.dryRun === true ? await trust.knownKeys({ ...options }, io).catch(() => []) : keys;

/** Keys are needed where signatures are required; else they are used where there are some. A dry run needs none. */
async function readKeys({ trust, options, io, client }: SyncRun): Promise<readonly string[]> {
  if (options.dryRun === true) {
    return [];
  }
  try {
    return await trust.armoredKeys({ ...options }, io, client);
  } catch (error) {
    if (!(error instanceof DepotError) || options.requireSignature) {
      throw error;
    }
    io.stderr.write(`warning: signatures are not checked: ${error.message}\n`);
    return [];
  }
}

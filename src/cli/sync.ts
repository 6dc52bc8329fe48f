import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { DepotError } from '../domain/errors.ts';
import type { Definition } from '../distribution/definition.ts';
import { loadDefinition } from '../distribution/shipped.ts';
import type { ArchiveChecker } from '../mirror/archive-checker.ts';
import { createArchiveChecker } from '../mirror/archive-checker.ts';
import { createBodyMemory } from '../mirror/body-memory.ts';
import { readLockFile } from '../mirror/lock-file.ts';
import { locateLocked } from '../mirror/locked.ts';
import type { Plan } from '../mirror/plan.ts';
import { silentProgress } from '../mirror/progress.ts';
import { planToJson } from '../mirror/report.ts';
import type { SyncResult } from '../mirror/sync.ts';
import { locateItems } from '../mirror/make-plan.ts';
import { runSync } from '../mirror/sync.ts';
import { createStripper } from '../mirror/stripper.ts';
import { createUpstream } from '../mirror/upstream.ts';
import { resolveWanted } from '../mirror/wanted.ts';
import { createClient } from '../net/client.ts';
import type { HttpClient } from '../net/http.ts';
import { showUrl } from '../net/http.ts';
import { createHostPolicy } from '../net/upstream-hosts.ts';
import {
  addOutgoingOptions,
  collect,
  readInteger,
  readOutgoingSettings,
  readRetryPolicy,
} from './outgoing-options.ts';
import { addResignOptions, openResigner, type LoadSigner } from './resigner.ts';
import { createProgress } from './sync-progress.ts';
import type { SyncOptions } from './sync-settings.ts';
import { checkLimits, downloadPlace, readInstalled, readUrl } from './sync-settings.ts';
import { formatPlan, formatReport } from './sync-tables.ts';
import { openSyncTarget } from './sync-target.ts';
import type { CommandIo, Verb } from './verb.ts';
import { exitCodes } from './verb.ts';

/** Where the verb's trust comes from: the keyring is another part's business. */
export interface SyncTrust {
  /** Adds flags such as --keyring. */
  addOptions(command: Command): void;
  /** The keys to trust, armored; `client` may be used to fetch a pinned key the first time. */
  armoredKeys(
    options: Readonly<Record<string, unknown>>,
    io: CommandIo,
    client: HttpClient,
  ): Promise<readonly string[]>;
}

/** `fleet-depot sync NAME|FILE --to DIR`: makes a folder hold a distribution. */
export function createSyncVerb(trust: SyncTrust, loadSigner: LoadSigner): Verb {
  return {
    name: 'sync',
    register(program, io, finish) {
      const command = program
        .command('sync')
        .summary('fetch a distribution from a registry into a folder')
        .description(
          'Fetches what a distribution definition names, checks every archive and its signature, and leaves distribution.lock.',
        )
        .argument('<distribution>', 'full, production, lite, or the path of a definition')
        .option('--artifacts-to <dir>', "folder for the definition's artifacts, keys, models and docs")
        .option(
          '--to <dir>',
          "folder to fill, or a depot, which gets a new snapshot (default: the definition's download destination)",
        )
        .option('--address <url>', "registry to ask instead of the definition's")
        .option('--dry-run', 'show what would be done, and do nothing')
        .option('--json', 'plan and report as JSON on stdout, no progress')
        .option('--quiet', 'no progress, and sizes are not asked for first')
        .option('--locked', 'make exactly the set of the lock file again')
        .option('--lock <file>', 'lock file for --locked (default: distribution.lock in the folder)')
        .option(
          '--prune',
          'delete what sync placed once and is no longer wanted; with --dry-run only list it',
        )
        .option('--partial', 'into a depot: make a snapshot of what is there, though some packages failed')
        .option('--concurrency <n>', 'archives fetched at once', '8')
        .option('--no-sizes', 'do not ask for sizes before fetching')
        .option('--no-require-signature', 'take unsigned packages and unknown signers too')
        .option(
          '--allow-redirect-host <host>',
          'follow redirects and downloads to this host; may be repeated',
          collect,
          [],
        )
        .option('--max-archive-size <size>', 'largest archive that is taken', '512MiB')
        .option('--installed <file|url>', 'saved list, or Kibana, whose installed packages are wanted too')
        .option('--kibana-api-key-file <file>', "file with Kibana's API key (else KIBANA_API_KEY)");
      addResignOptions(command);
      addOutgoingOptions(command);
      trust.addOptions(command);
      command.action(async (distribution: string, options: SyncOptions) => {
        finish(await sync(distribution, options, io, trust, loadSigner));
      });
    },
  };
}

/** Packages first, then what agents download; the worse of both ends the verb. */
async function sync(
  distribution: string,
  options: SyncOptions,
  io: CommandIo,
  trust: SyncTrust,
  loadSigner: LoadSigner,
): Promise<number> {
  const definition = loadDefinition(distribution);
  const { queries, packages, installed, release } = definition;
  const hasPackages = queries.length + packages.length > 0 || (options.installed ?? installed) !== undefined;
  const packagesCode = hasPackages
    ? await syncPackages(definition, options, io, trust, loadSigner)
    : exitCodes.ok;
  if (!release) {
    return packagesCode;
  }
  const client = createClient(readOutgoingSettings(options, io.env, 4));
  try {
    // The keyring may be empty: `keys:` of the definition are trusted for artifacts too.
    const keys = await readKeys(trust, { ...options, requireSignature: false }, io, client);
    // Loaded where it is needed: it brings the pool of hashing threads along.
    const { runReleaseSync } = await import('./sync-release-run.ts');
    const code = await runReleaseSync(release, options, io, client, keys);
    return packagesCode === exitCodes.ok || code === exitCodes.partly ? code : packagesCode;
  } finally {
    await client.close();
  }
}

async function syncPackages(
  definition: Definition,
  options: SyncOptions,
  io: CommandIo,
  trust: SyncTrust,
  loadSigner: LoadSigner,
): Promise<number> {
  const download = definition.actions.find((action) => action.kind === 'download');
  const to = options.to ?? download?.destination;
  const dryRun = options.dryRun ?? false;
  if (to === undefined && !dryRun) {
    throw new DepotError('USAGE', { reason: 'name the folder to fill: --to DIR' });
  }
  if (options.lock !== undefined && !options.locked) {
    throw new DepotError('USAGE', { reason: '--lock goes with --locked' });
  }
  const concurrency = readInteger(options.concurrency, '--concurrency', 1, 64);
  const client = createClient(readOutgoingSettings(options, io.env, concurrency));
  const retry = readRetryPolicy(options);
  const limits = checkLimits(options);
  // Larger archives grow on the disk: what is only in memory is lost by a kill.
  const memory = createBodyMemory(16 * 2 ** 20, 2 * 2 ** 20);
  let checker: ArchiveChecker | undefined;
  try {
    const keys = await readKeys(trust, options, io, client);
    // One thread checks while this one fetches; more only where there are cores for them.
    checker = createArchiveChecker(
      Math.max(1, Math.min(4, availableParallelism() - 1)),
      limits,
      keys,
      memory,
    );
    const address = readUrl(options.address ?? definition.address, '--address');
    const downloads = downloadPlace(download, address, options);
    const policy = createHostPolicy(
      [address, 'bucket' in downloads ? downloads.bucket : downloads.address],
      options.allowRedirectHost,
    );
    const upstream = createUpstream({
      client,
      policy,
      retry,
      address,
      downloads,
      maxJsonBytes: 512 * 2 ** 20,
    });
    const quiet = options.json || options.quiet || dryRun;
    const target = await openSyncTarget(to ?? '.', {
      dryRun,
      partial: options.partial ?? false,
      note: `sync of ${definition.label} from ${showUrl(address)}`,
    });
    const lockFile = options.lock ?? target.lockFile;
    const lock = options.locked ? await readLockFile(lockFile) : undefined;
    if (options.locked && !lock) {
      throw new DepotError('LOCK_INVALID', { file: lockFile, reason: 'there is none' });
    }
    const signer = await openResigner(
      lock ? lock.packages.some((one) => one.original) : definition.stripScreenshots,
      options,
      io,
      loadSigner,
    );
    const result = await runSync(
      {
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
      },
      {
        ...target.hooks,
        layout: target.layout,
        client,
        policy,
        retry,
        checker,
        memory,
        hasKeys: keys.length > 0,
        upstream,
        ...(signer ? { stripper: createStripper({ signer, checker, limits }) } : {}),
        maxArchiveBytes: limits.maxBytes,
        signal: io.signal,
        progress: quiet ? silentProgress : createProgress(io.stderr, io.isTerminal),
        onPlan: (plan) => showPlan(plan, definition, options, io),
        resolve: async () => {
          if (lock) {
            return {
              items: locateLocked(lock, options.address === undefined ? undefined : address, policy),
              problems: [],
            };
          }
          const installed = await readInstalled(
            options.installed ?? definition.installed,
            options,
            io,
            client,
            retry,
          );
          return locateItems(await resolveWanted(definition, installed, upstream, io.signal), upstream);
        },
      },
    );
    return showResult(result, options, io);
  } finally {
    await checker?.close();
    await client.close();
  }
}

/** Keys are needed where signatures are required; else they are used where there are some. A dry run needs none. */
async function readKeys(
  trust: SyncTrust,
  options: SyncOptions,
  io: CommandIo,
  client: HttpClient,
): Promise<readonly string[]> {
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

function showPlan(plan: Plan, definition: Definition, options: SyncOptions, io: CommandIo): void {
  if (options.json) {
    return;
  }
  const detailed = options.dryRun ?? false;
  (detailed ? io.stdout : io.stderr).write(formatPlan(plan, detailed));
  for (const { label, reason } of plan.problems) {
    io.stderr.write(`problem: ${label}: ${reason}\n`);
  }
  const prints = !detailed && definition.actions.some((action) => action.kind === 'print');
  if (prints) {
    for (const { name, version } of plan.items) {
      io.stdout.write(`${name} ${version}\n`);
    }
  }
}

function showResult({ plan, report }: SyncResult, options: SyncOptions, io: CommandIo): number {
  if (options.json) {
    io.stdout.write(`${JSON.stringify({ plan: planToJson(plan), report: report ?? null }, undefined, 2)}\n`);
  } else if (report) {
    io.stderr.write(formatReport(report));
  }
  const failures = report?.failed.length ?? plan.problems.length;
  if (failures === 0) {
    return exitCodes.ok;
  }
  const done = report ? report.fetched.length + report.kept.length : plan.items.length;
  return done > 0 ? exitCodes.partly : exitCodes.failed;
}

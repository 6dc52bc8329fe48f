import { resolve } from 'node:path';
import { DepotError } from '../domain/errors.ts';
import { loadDefinition } from '../distribution/shipped.ts';
import { emptyRelease } from '../distribution/wanted-release.ts';
import type { LoadSigner } from './signer-loader.ts';
import { optimizeLater } from './sync/late-optimizing.ts';
import { readLockFile, type LockFile } from '../mirror/record/lock-file.ts';
import type { SyncDeps, SyncPlan } from '../mirror/sync-deps.ts';
import { runSync, type SyncResult } from '../mirror/sync.ts';
import { createClient } from '../net/client.ts';
import { showUrl } from '../net/http.ts';
import { readBaseAddress } from './base-address.ts';
import { addOutgoingOptions, collect, readInteger, readOutgoingSettings } from './outgoing-options.ts';
import { addResignOptions } from './sync/resigner.ts';
import { openPackagePart } from './sync/packages.ts';
import { showPlan, showResults } from './sync/report.ts';
import type { SyncRun, SyncTrust } from './sync/run.ts';
import type { SyncOptions } from './sync/options.ts';
import { listingOptions } from './sync/options.ts';
import { isDepot, openSyncTarget } from './sync/target.ts';
import type { CommandIo, Verb } from './verb.ts';

/** `fleet-depot sync NAME|FILE --to DIR`: makes a folder hold a distribution. */
export function createSyncVerb(trust: SyncTrust, loadSigner: LoadSigner): Verb {
  return {
    name: 'sync',
    register(program, io, finish) {
      const command = program
        .command('sync')
        .summary('Fetch a distribution from a registry into a folder')
        .description(
          'Fetches what a distribution definition names, checks every archive and its signature, and leaves distribution.lock.',
        )
        .argument('<distribution>', 'full, production, lite, or the path of a definition')
        .option(
          '--to <dir>',
          "folder to fill, or a depot, which gets a new snapshot (default: the definition's download destination)",
        )
        .option(
          '--artifacts-to <dir>',
          "another folder or depot for the definition's artifacts, keys, models and docs (default: --to)",
        )
        .option('--address <url>', "registry to ask instead of the definition's")
        .option('--dry-run', 'show what would be done, and do nothing')
        .option('--json', 'plan and report as JSON on stdout, no progress')
        .option('--quiet', 'no progress; a run that fetches asks for no sizes first')
        .option('--locked', 'make exactly the set of the lock file again')
        .option('--lock <file>', 'lock file for --locked (default: distribution.lock in the folder)')
        .option(
          '--prune',
          'delete what sync placed once and is no longer wanted; with --dry-run only list it',
        )
        .option('--partial', 'into a depot: make a snapshot of what is there, though something failed')
        .option('--concurrency <n>', 'archives fetched at once', '8')
        .option('--no-sizes', 'do not ask for sizes before fetching')
        .option(
          '--no-require-signature',
          'take unsigned packages and unknown signers too (the same as -require-signature=false)',
        )
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
        optimizeLater();
        finish(await sync(distribution, options, io, trust, loadSigner));
      });
    },
  };
}

/** Packages and what agents download, in one go where both go into one folder, else one after the other. */
async function sync(
  distribution: string,
  given: SyncOptions,
  io: CommandIo,
  trust: SyncTrust,
  loadSigner: LoadSigner,
): Promise<number> {
  const definition = loadDefinition(distribution);
  const options = listingOptions(definition, given);
  if (options.lock !== undefined && !options.locked) {
    throw new DepotError('USAGE', { reason: '--lock goes with --locked' });
  }
  const concurrency = readInteger(options.concurrency, '--concurrency', 1, 64);
  const client = createClient(readOutgoingSettings(options, io, concurrency));
  const run: SyncRun = { definition, options, io, client, concurrency, trust, loadSigner };
  try {
    const { queries, packages, installed, release } = definition;
    const hasPackages =
      queries.length + packages.length > 0 || (options.installed ?? installed) !== undefined;
    const to = folderOf(run, hasPackages || options.artifactsTo === undefined);
    const artifactsTo = options.artifactsTo ?? to;
    if (options.partial && !(await isDepot(to)) && !(await isDepot(artifactsTo))) {
      throw new DepotError('USAGE', {
        reason: `--partial is for a depot, and ${resolve(to)} is none: in a plain folder what came stays without it`,
      });
    }
    const results: SyncResult[] = [];
    if (hasPackages && release && resolve(to) !== resolve(artifactsTo)) {
      results.push(await fill(to, { packages: true, release: false }, run));
      if (!io.signal.aborted) {
        results.push(await fill(artifactsTo, { packages: false, release: true }, run));
      }
    } else {
      const parts = { packages: hasPackages, release: release !== undefined };
      results.push(await fill(hasPackages ? to : artifactsTo, parts, run));
    }
    return showResults(results, options, io);
  } finally {
    await client.close();
  }
}

/** The folder of `--to`, or of the definition. A dry run needs none. */
const folderOf = ({ definition, options }: SyncRun, isNeeded: boolean): string => {
  const places = new Set(
    definition.actions.flatMap((action) => (action.kind === 'download' ? action.destination || [] : [])),
  );
  if (options.to === undefined && places.size > 1) {
    throw new DepotError('USAGE', {
      reason: `${definition.label} downloads to ${[...places].join(' and ')}: say which with --to DIR, one run for each`,
    });
  }
  const to = options.to ?? [...places][0];
  // An empty variable of a script would mean the folder that it runs in.
  if (to === '' || options.artifactsTo === '') {
    throw new DepotError('USAGE', { reason: `${to === '' ? '--to' : '--artifacts-to'} names no folder` });
  }
  if (to === undefined && options.dryRun !== true && isNeeded) {
    throw new DepotError('USAGE', { reason: 'name the folder to fill: --to DIR' });
  }
  return to ?? '.';
};

/** One run into one folder or depot. */
async function fill(
  folder: string,
  parts: { readonly packages: boolean; readonly release: boolean },
  run: SyncRun,
): Promise<SyncResult> {
  const { definition, options, io, concurrency } = run;
  const dryRun = options.dryRun ?? false;
  const address = readBaseAddress(options.address ?? definition.address, '--address');
  const target = await openSyncTarget(folder, {
    dryRun,
    partial: options.partial ?? false,
    note: `sync of ${definition.label}${parts.packages ? ` from ${showUrl(address)}` : ''}`,
  });
  const lockFile = options.lock ?? target.lockFile;
  const lock = options.locked ? await readLock(lockFile, parts.release) : undefined;
  // A lock file stands for all of its set, also where the definition has forgotten a part of it.
  const hasRelease = parts.release || (lock?.files !== undefined && options.artifactsTo === undefined);
  // Loaded where it is needed: it brings the pool of hashing threads along.
  const { openReleasePart } = hasRelease ? await import('./sync/artifacts.ts') : {};
  const packages = parts.packages ? await openPackagePart(target.layout, address, lock, run) : undefined;
  try {
    const release = await openReleasePart?.(
      target.layout,
      definition.release ?? emptyRelease,
      lock,
      lockFile,
      run,
    );
    try {
      const deps: SyncDeps = {
        ...target.hooks,
        layout: target.layout,
        ...(packages ? { packages: packages.deps } : {}),
        ...(release ? { release: release.deps } : {}),
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
      return await runSync(request, deps);
    } finally {
      await release?.close();
    }
  } finally {
    await packages?.close();
  }
}

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

import { resolve } from 'node:path';
import { DepotError } from '../domain/errors.ts';
import { loadDefinition } from '../distribution/shipped.ts';
import type { SyncResult } from '../mirror/carry-out.ts';
import type { LoadSigner } from './signer-loader.ts';
import { fill } from './sync/fill.ts';
import { optimizeLater } from './sync/late-optimizing.ts';
import { createClient } from '../net/client.ts';
import { addOutgoingOptions, collect, readInteger, readOutgoingSettings } from './outgoing-options.ts';
import { addResignOptions } from './sync/resigner.ts';
import { showResults } from './sync/report.ts';
import type { SyncRun, SyncTrust } from './sync/run.ts';
import type { SyncOptions } from './sync/options.ts';
import { listingOptions } from './sync/options.ts';
import { isDepot } from './sync/target.ts';
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

import { resolve } from 'node:path';
import type { WantedRelease } from '../distribution/wanted-release.ts';
import { DepotError } from '../domain/errors.ts';
import { silentProgress } from '../mirror/progress.ts';
import type { HttpClient } from '../net/http.ts';
import { createHostPolicy } from '../net/upstream-hosts.ts';
import { readRetryPolicy } from './outgoing-options.ts';
import { addressesOf, filesOf } from '../mirror/release-files.ts';
import { createProgress } from './sync-progress.ts';
import { syncRelease, type ReleaseResult } from '../mirror/release.ts';
import type { SyncOptions } from './sync-settings.ts';
import { exitCodes, type CommandIo } from './verb.ts';

/** Brings a definition's artifacts, keys, Defend's files, models and docs into the folder of `--artifacts-to`. */
export const runReleaseSync = async (
  release: WantedRelease,
  options: SyncOptions,
  io: CommandIo,
  client: HttpClient,
  trusted: readonly string[],
): Promise<number> => {
  if (options.dryRun === true) {
    for (const { path, url } of filesOf(release)) {
      (options.json === true ? io.stderr : io.stdout).write(`${path} from ${url}\n`);
    }
    return exitCodes.ok;
  }
  if (options.artifactsTo === undefined) {
    throw new DepotError('USAGE', {
      reason: 'the definition asks for artifacts: name the folder to fill with --artifacts-to DIR',
    });
  }
  const addresses = [
    ...Object.values(addressesOf(release)),
    ...Object.values(release.keys).filter((url) => url !== ''),
  ].map((url: string) => new URL(url));
  const isQuiet = options.json === true || options.quiet === true;
  const result = await syncRelease(release, {
    to: resolve(options.artifactsTo),
    client,
    policy: createHostPolicy(addresses, options.allowRedirectHost),
    retry: readRetryPolicy(options),
    trusted,
    requireSignature: options.requireSignature,
    progress: isQuiet ? silentProgress : createProgress(io.stderr, io.isTerminal),
    signal: io.signal,
  });
  return show(result, io);
};

// On stderr, so that `--json` stays one document about packages.
const show = ({ fetched, kept, failed }: ReleaseResult, io: CommandIo): number => {
  for (const { path, reason } of failed) {
    io.stderr.write(`failed: ${path}: ${reason}\n`);
  }
  io.stderr.write(`artifacts: ${fetched.length} fetched, ${kept.length} kept, ${failed.length} failed\n`);
  if (failed.length === 0) {
    return exitCodes.ok;
  }
  return fetched.length + kept.length > 0 ? exitCodes.partly : exitCodes.failed;
};

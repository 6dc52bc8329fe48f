import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { DepotError, messageOf } from '../../domain/errors.ts';
import type { Action, Definition, Pin } from '../../distribution/definition.ts';
import { parseBytes } from '../../distribution/fields.ts';
import { parseInstalled } from '../../distribution/installed.ts';
import { decodeSaved } from '../../distribution/saved-text.ts';
import type { CheckLimits } from '../../mirror/checking/archive-check.ts';
import { defaultCheckLimits } from '../../mirror/checking/archive-check.ts';
import { askKibana } from '../../mirror/planning/kibana.ts';
import type { HttpClient } from '../../net/http.ts';
import type { RetryPolicy } from '../../net/retry.ts';
import { readBaseAddress } from '../base-address.ts';
import { readKibanaApiKey } from './kibana-api-key.ts';
import type { OutgoingOptions } from '../outgoing-options.ts';
import type { CommandIo } from '../verb.ts';

/** Flags of `sync`, as commander hands them over. */
export interface SyncOptions extends OutgoingOptions {
  readonly to?: string;
  readonly address?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly locked?: boolean;
  readonly lock?: string;
  readonly prune?: boolean;
  readonly partial?: boolean;
  readonly resignKey?: string;
  readonly passphraseFile?: string;
  readonly concurrency: string;
  readonly sizes: boolean;
  readonly requireSignature: boolean;
  readonly allowRedirectHost: readonly string[];
  readonly maxArchiveSize: string;
  readonly installed?: string;
  readonly kibanaApiKeyFile?: string;
  readonly artifactsTo?: string;
  /** No flag: see `listingOptions`. */
  readonly listOnly?: boolean;
}

/** A definition that says `print` and names no folder asks what there is, as the public tool does: nothing is fetched. */
export function listingOptions({ actions }: Definition, options: SyncOptions): SyncOptions {
  const { to, artifactsTo, dryRun } = options;
  const asksFolder = to !== undefined || artifactsTo !== undefined || dryRun === true;
  return !asksFolder && actions.length > 0 && actions.every(({ kind }) => kind === 'print')
    ? { ...options, dryRun: true, sizes: false, listOnly: true }
    : options;
}

export function checkLimits(options: SyncOptions): CheckLimits {
  const maxBytes = parseBytes(options.maxArchiveSize);
  // A check holds a whole archive in memory: what is larger than a Buffer can't be taken.
  if (maxBytes === undefined || maxBytes > 2 ** 31) {
    throw new DepotError('USAGE', {
      reason: `--max-archive-size must be a size up to 2GiB, not '${options.maxArchiveSize}'`,
    });
  }
  return { ...defaultCheckLimits, maxBytes };
}

/** `--address` replaces both addresses: who points at a mirror means the archives too. */
export function downloadPlace(
  download: Action | undefined,
  address: URL,
  options: SyncOptions,
): { address: URL } | { bucket: URL } {
  if (download?.kind !== 'download' || options.address !== undefined) {
    return { address };
  }
  if (download.bucketUrl !== undefined) {
    return { bucket: readBaseAddress(download.bucketUrl, 'bucket_url') };
  }
  return { address: download.address === undefined ? address : readBaseAddress(download.address, 'address') };
}

/** What is installed, by the flag or the definition. A note is written of what no registry has to have. */
export async function readInstalled(
  definition: Definition,
  options: SyncOptions,
  io: CommandIo,
  client: HttpClient,
  retry: RetryPolicy,
): Promise<readonly Pin[]> {
  const place = options.installed ?? definition.installed;
  if (place === undefined) {
    return [];
  }
  const homemade: string[] = [];
  const pins = /^https?:\/\//i.test(place)
    ? await askKibana({
        client,
        retry,
        address: readBaseAddress(place, '--installed'),
        apiKey: await readKibanaApiKey(options.kibanaApiKeyFile, io.env),
        onHomemade: (id) => homemade.push(id),
        signal: io.signal,
      })
    : await readList(options.installed ?? besideDefinition(place, definition), homemade);
  if (homemade.length > 0) {
    io.stderr.write(
      `note: made in Kibana or uploaded to it, so not asked of the registry: ${homemade.toSorted().join(', ')}\n`,
    );
  }
  return pins;
}

const readList = async (file: string, homemade: string[]): Promise<Pin[]> =>
  parseInstalled(await readText(file), file, (id) => homemade.push(id));

/** A list that a definition names lies beside it, or where the command runs. */
function besideDefinition(place: string, { label }: Definition): string {
  const beside = resolve(dirname(label), place);
  return existsSync(beside) ? beside : place;
}

async function readText(file: string): Promise<string> {
  try {
    return decodeSaved(await readFile(file));
  } catch (error) {
    throw new DepotError(
      'INSTALLED_INVALID',
      { place: resolve(file), reason: `it cannot be read: ${messageOf(error)}` },
      error,
    );
  }
}

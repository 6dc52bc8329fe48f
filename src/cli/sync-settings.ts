import { readFile } from 'node:fs/promises';
import { DepotError, messageOf } from '../domain/errors.ts';
import type { Action, Pin } from '../distribution/definition.ts';
import { parseBytes } from '../distribution/fields.ts';
import { parseInstalled } from '../distribution/installed.ts';
import type { CheckLimits } from '../mirror/archive-check.ts';
import { defaultCheckLimits } from '../mirror/archive-check.ts';
import { askKibana } from '../mirror/kibana.ts';
import type { HttpClient } from '../net/http.ts';
import type { RetryPolicy } from '../net/retry.ts';
import type { OutgoingOptions } from './outgoing-options.ts';
import type { CommandIo } from './verb.ts';

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
    return { bucket: readUrl(download.bucketUrl, 'bucket_url') };
  }
  return { address: download.address === undefined ? address : readUrl(download.address, 'address') };
}

export function readUrl(text: string, flag: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && (url.protocol === 'http:' || url.protocol === 'https:')) {
    return url;
  }
  throw new DepotError('USAGE', { reason: `${flag} must be an http or https address` });
}

export async function readInstalled(
  place: string | undefined,
  options: SyncOptions,
  io: CommandIo,
  client: HttpClient,
  retry: RetryPolicy,
): Promise<Pin[]> {
  if (place === undefined) {
    return [];
  }
  if (/^https?:\/\//i.test(place)) {
    return await askKibana({
      client,
      retry,
      address: readUrl(place, '--installed'),
      apiKey: await readApiKey(options.kibanaApiKeyFile, io),
      signal: io.signal,
    });
  }
  return parseInstalled(await readText(place), place);
}

/** The key of the file or of the environment. Throws USAGE for what can be none, without showing it. */
async function readApiKey(file: string | undefined, io: CommandIo): Promise<string | undefined> {
  let text = io.env['KIBANA_API_KEY'];
  if (file !== undefined) {
    try {
      text = await readFile(file, 'utf8');
    } catch (error) {
      throw new DepotError(
        'USAGE',
        { reason: `--kibana-api-key-file: ${file} cannot be read (${messageOf(error)})` },
        error,
      );
    }
  }
  const key = text?.trim();
  if (key !== undefined && (file !== undefined || key !== '') && !/^[\x21-\x7e]+$/.test(key)) {
    const place = file === undefined ? 'KIBANA_API_KEY' : `--kibana-api-key-file: ${file}`;
    throw new DepotError('USAGE', {
      reason: `${place} has no API key: it is one line without spaces, as Kibana shows it once (encoded)`,
    });
  }
  return key === '' ? undefined : key;
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new DepotError('INSTALLED_INVALID', { place: file, reason: 'it cannot be read' }, error);
  }
}

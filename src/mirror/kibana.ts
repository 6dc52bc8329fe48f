import { DepotError } from '../domain/errors.ts';
import type { Pin } from '../distribution/definition.ts';
import { isHomemade, pinsOf, readInstalledItems } from '../distribution/installed.ts';
import type { HttpClient } from '../net/http.ts';
import { dismiss, readBody, showUrl } from '../net/http.ts';
import type { RetryPolicy } from '../net/retry.ts';
import { withRetries } from '../net/retry.ts';
import { createHostPolicy, requestWithin } from '../net/upstream-hosts.ts';
import { eachConcurrently } from './pool.ts';
import { joinUrl } from './upstream.ts';

export interface KibanaSettings {
  readonly client: HttpClient;
  readonly retry: RetryPolicy;
  /** Kibana's base address, with a space's path where the packages are in a space. */
  readonly address: URL;
  /** Encoded API key, as Kibana shows it. */
  readonly apiKey: string | undefined;
  /** Told `name-version` of what was made in that Kibana or uploaded to it, which is left out. */
  readonly onHomemade: (id: string) => void;
  readonly signal?: AbortSignal;
}

const maxBytes = 64 * 2 ** 20;
const pageSize = 200;
const maxPages = 100;

/**
 * Asks Kibana's Fleet API what is installed, page by page, and each package for the version it can roll back to. The
 * key goes over https only, or to this machine. Throws DepotError INSTALLED_INVALID or one of the network's.
 */
export async function askKibana(settings: KibanaSettings): Promise<Pin[]> {
  const { address, apiKey, signal } = settings;
  const place = showUrl(address);
  if (apiKey !== undefined && address.protocol !== 'https:' && !isLoopback(address)) {
    throw new DepotError('INSTALLED_INVALID', {
      place,
      reason: 'an API key is never sent over plain http; use https',
    });
  }
  const policy = createHostPolicy([address], []);
  const headers = {
    accept: 'application/json',
    ...(apiKey === undefined ? {} : { authorization: `ApiKey ${apiKey}` }),
  };
  const ask = (path: string): Promise<unknown> =>
    withRetries(settings.retry, signal, async () => {
      const url = joinUrl(address, path);
      const answer = await requestWithin(
        settings.client,
        { url, headers, ...(signal ? { signal } : {}) },
        policy,
      );
      if (answer.status === 200) {
        return parseAnswer(await readBody(answer, maxBytes), url);
      }
      dismiss(answer);
      if (answer.status === 404) {
        return undefined;
      }
      const why =
        answer.status !== 401 && answer.status !== 403
          ? ''
          : apiKey === undefined
            ? '; give an API key with read access to Fleet: KIBANA_API_KEY or --kibana-api-key-file'
            : '; the API key needs read access to Fleet';
      throw new DepotError('UPSTREAM_ANSWER', {
        url: showUrl(url),
        reason: `Kibana answered ${answer.status}${why}`,
      });
    });

  const items: Record<string, unknown>[] = [];
  let after = '';
  for (let page = 0; page < maxPages; page++) {
    const answer = await ask(`/api/fleet/epm/packages/installed?perPage=${pageSize}${after}`);
    if (answer === undefined) {
      throw new DepotError('INSTALLED_INVALID', {
        place,
        reason:
          'it has no /api/fleet/epm/packages/installed (404): an address is that of Kibana with its base path, and /s/SPACE for a space',
      });
    }
    items.push(...readInstalledItems(answer, place));
    const next = isRecord(answer) ? answer['searchAfter'] : undefined;
    if (!Array.isArray(next) || next.length === 0) {
      break;
    }
    after = `&searchAfter=${encodeURIComponent(JSON.stringify(next))}`;
  }
  const pins: Pin[] = [];
  await eachConcurrently(items, 4, async (item) => {
    const installed = pinsOf(item, `package ${String(item['name'])}`, place);
    const name = installed[0]?.name;
    const isAsked = name !== undefined && installed.length === 1;
    const details = isAsked ? await ask(`/api/fleet/epm/packages/${name}`) : undefined;
    const detail = isRecord(details) ? (details['item'] ?? details['response']) : undefined;
    if (isRecord(detail) && isHomemade(detail)) {
      installed.forEach((pin) => settings.onHomemade(`${pin.name}-${pin.version}`));
      return;
    }
    pins.push(...installed);
    if (name !== undefined && isRecord(detail)) {
      pins.push(...pinsOf({ ...detail, name }, `package ${name}`, place));
    }
  });
  return [...new Map(pins.map((pin) => [`${pin.name}-${pin.version}`, pin])).values()];
}

const parseAnswer = (body: Buffer, url: URL): unknown => {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new DepotError(
      'UPSTREAM_ANSWER',
      { url: showUrl(url), reason: "the answer is no JSON, so it is none of Kibana's API" },
      error,
    );
  }
};

const isLoopback = ({ hostname }: URL): boolean =>
  hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

import { DepotError } from '../../domain/errors.ts';
import { isObject } from '../../domain/json-object.ts';
import type { Pin } from '../../distribution/definition.ts';
import { isHomemade, pinsOf, readInstalledItems } from '../../distribution/installed.ts';
import { joinUrl, type HttpClient } from '../../net/http.ts';
import { dismiss, readBody, showUrl } from '../../net/http.ts';
import type { RetryPolicy } from '../../net/retry.ts';
import { withRetries } from '../../net/retry.ts';
import { createHostPolicy, requestWithin } from '../../net/upstream-hosts.ts';
import { eachConcurrently } from '../transfer/pool.ts';

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
const allPackages = '/api/fleet/epm/packages';

/**
 * Asks Kibana's Fleet API what is installed, page by page, and each package for the version it can roll back to. An older
 * Kibana (7.17, early 8.x) has no such list: there the list of all packages says which are installed. The key goes over https only, or to
 * this machine. Throws DepotError INSTALLED_INVALID or one of the network's.
 */
export async function askKibana(settings: KibanaSettings): Promise<Pin[]> {
  const { address, apiKey } = settings;
  const place = showUrl(address);
  if (apiKey !== undefined && address.protocol !== 'https:' && !isLoopback(address)) {
    throw new DepotError('INSTALLED_INVALID', {
      place,
      reason: 'an API key is never sent over plain http; use https',
    });
  }
  const ask = createAsking(settings);
  const items = await askInstalled(ask, place);
  const pins = items ? await withPrevious(items, ask, settings) : await askOlder(ask, settings);
  return [...new Map(pins.map((pin) => [`${pin.name}-${pin.version}`, pin])).values()];
}

/** Asks one path; undefined where Kibana has nothing there (404), or takes it for something else (400, as older versions do). */
type Ask = (path: string) => Promise<unknown>;

const createAsking = (settings: KibanaSettings): Ask => {
  const { address, apiKey, signal } = settings;
  const policy = createHostPolicy([address], []);
  const headers = {
    accept: 'application/json',
    ...(apiKey === undefined ? {} : { authorization: `ApiKey ${apiKey}` }),
  };
  return (path) =>
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
      if (answer.status === 404 || answer.status === 400) {
        return undefined;
      }
      throw new DepotError('UPSTREAM_ANSWER', {
        url: showUrl(url),
        reason: `Kibana answered ${answer.status}${whyRefused(answer.status, apiKey)}`,
      });
    });
};

const whyRefused = (status: number, apiKey: string | undefined): string => {
  if (status !== 401 && status !== 403) {
    return '';
  }
  if (apiKey === undefined) {
    return '; give an API key with read access to Fleet: KIBANA_API_KEY or --kibana-api-key-file';
  }
  return status === 401
    ? '; it does not take the API key, which may have expired or be of another cluster'
    : '; the API key needs read access to Fleet and Integrations in this space';
};

/** Every page of what is installed; undefined where this Kibana has no such list. */
const askInstalled = async (
  ask: Ask,
  place: string,
): Promise<readonly Record<string, unknown>[] | undefined> => {
  const items: Record<string, unknown>[] = [];
  let after = '';
  for (let page = 0; page < maxPages; page++) {
    const answer = await ask(`${allPackages}/installed?perPage=${pageSize}${after}`);
    if (answer === undefined && page === 0) {
      return undefined;
    }
    items.push(...readInstalledItems(answer, place));
    const next = isObject(answer) ? answer['searchAfter'] : undefined;
    if (!Array.isArray(next) || next.length === 0) {
      break;
    }
    after = `&searchAfter=${encodeURIComponent(JSON.stringify(next))}`;
  }
  return items;
};

/** Asks each package for what the list doesn't say: the version before, and whether it was made there. */
const withPrevious = async (
  items: readonly Record<string, unknown>[],
  ask: Ask,
  { address, onHomemade }: KibanaSettings,
): Promise<Pin[]> => {
  const place = showUrl(address);
  const pins: Pin[] = [];
  await eachConcurrently(items, 4, async (item) => {
    const installed = pinsOf(item, `package ${String(item['name'])}`, place);
    const name = installed[0]?.name;
    const isAsked = name !== undefined && installed.length === 1;
    const details = isAsked ? await ask(`${allPackages}/${name}`) : undefined;
    const detail = isObject(details) ? (details['item'] ?? details['response']) : undefined;
    if (isObject(detail) && isHomemade(detail)) {
      installed.forEach((pin) => onHomemade(`${pin.name}-${pin.version}`));
      return;
    }
    pins.push(...installed);
    // Of what was removed between the two questions, the details are those of the registry's newest.
    if (name !== undefined && isObject(detail) && detail['status'] !== 'not_installed') {
      pins.push(...pinsOf({ ...detail, name }, `package ${name}`, place));
    }
  });
  return pins;
};

/** What the list of all packages says. It has prereleases only where they are asked for, in the words of that version. */
const askOlder = async (ask: Ask, { address, onHomemade }: KibanaSettings): Promise<Pin[]> => {
  const place = showUrl(address);
  for (const query of ['?prerelease=true', '?experimental=true', '']) {
    const answer = await ask(`${allPackages}${query}`);
    if (answer !== undefined) {
      return readInstalledItems(answer, place).flatMap((item) => {
        const pins = pinsOf(item, `package ${String(item['name'])}`, place);
        if (isHomemade(item)) {
          pins.forEach((pin) => onHomemade(`${pin.name}-${pin.version}`));
          return [];
        }
        return pins;
      });
    }
  }
  throw new DepotError('INSTALLED_INVALID', {
    place,
    reason: `it has no ${allPackages}/installed (404): an address is that of Kibana with its base path, and /s/SPACE for a space`,
  });
};

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

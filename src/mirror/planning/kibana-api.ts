import { DepotError } from '../../domain/errors.ts';
import { dismiss, joinUrl, readBody, showUrl, type HttpClient } from '../../net/http.ts';
import { withRetries, type RetryPolicy } from '../../net/retry.ts';
import { createHostPolicy, requestWithin } from '../../net/upstream-hosts.ts';

const maxBytes = 64 * 2 ** 20;

/** How a Kibana is asked. */
export interface KibanaAccess {
  readonly client: HttpClient;
  readonly retry: RetryPolicy;
  /** Kibana's base address, with a space's path where the packages are in a space. */
  readonly address: URL;
  /** Encoded API key, as Kibana shows it. */
  readonly apiKey: string | undefined;
  readonly signal?: AbortSignal;
}

/** Asks one path; undefined where Kibana has nothing there (404), or takes it for something else (400, as older versions do). */
export type Ask = (path: string) => Promise<unknown>;

/** The key goes over https only, or to this machine. Throws DepotError INSTALLED_INVALID. */
export const createAsking = ({ client, retry, address, apiKey, signal }: KibanaAccess): Ask => {
  if (apiKey !== undefined && address.protocol !== 'https:' && !isLoopback(address)) {
    throw new DepotError('INSTALLED_INVALID', {
      place: showUrl(address),
      reason: 'an API key is never sent over plain http; use https',
    });
  }
  const policy = createHostPolicy([address], []);
  const headers = {
    accept: 'application/json',
    ...(apiKey === undefined ? {} : { authorization: `ApiKey ${apiKey}` }),
  };
  return (path) =>
    withRetries(retry, signal, async () => {
      const url = joinUrl(address, path);
      const answer = await requestWithin(client, { url, headers, ...(signal ? { signal } : {}) }, policy);
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

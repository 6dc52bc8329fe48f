import { DepotError } from '../domain/errors.ts';
import type { HttpAnswer, HttpClient, HttpRequest } from './http.ts';
import { dismiss, showUrl, Transient } from './http.ts';
import { parseRetryAfter } from './retry.ts';

/** Decides which hosts may be asked on behalf of one upstream. */
export interface HostPolicy {
  /** Throws DepotError UPSTREAM_REDIRECT if `target` must not be followed from `source`. */
  check(source: URL, target: URL): void;
}

const maxRedirects = 5;

/**
 * The hosts of the given addresses and of `--allow-redirect-host` (HOST or HOST:PORT; without a port every port).
 * Throws USAGE for one that is neither.
 * http may become https on the same host; https never becomes http, and other schemes are never followed.
 */
export function createHostPolicy(addresses: readonly URL[], allowed: readonly string[]): HostPolicy {
  const odd = allowed.find((host) => !/^(?:\[[\da-f:.]+\]|[a-z\d._-]+)(?::\d{1,5})?$/i.test(host));
  if (odd !== undefined) {
    throw new DepotError('USAGE', {
      reason: `--allow-redirect-host must be HOST or HOST:PORT, not '${showUrl(odd)}'`,
    });
  }
  const hosts = new Set([...addresses.map(hostAndPort), ...allowed.map((host) => host.toLowerCase())]);
  return {
    check(source, target) {
      const refuse = (reason: string): never => {
        throw new DepotError('UPSTREAM_REDIRECT', { url: showUrl(source), target: showUrl(target), reason });
      };
      if (target.protocol !== 'https:' && target.protocol !== 'http:') {
        refuse(`${target.protocol} is never followed`);
      }
      if (source.protocol === 'https:' && target.protocol === 'http:') {
        refuse('https must not become http');
      }
      if (!hosts.has(hostAndPort(target)) && !hosts.has(target.hostname) && !isSameServer(source, target)) {
        refuse(
          `${target.protocol === source.protocol ? target.host : hostAndPort(target)} is not a host of this upstream`,
        );
      }
    },
  };
}

const hostAndPort = (url: URL): string =>
  `${url.hostname}:${url.port || (url.protocol === 'https:' ? '443' : '80')}`;

/** Whether `target` is on the server of `source`: the same origin, or the same host over https at the usual port instead of http at its own. */
export const isSameServer = (source: URL, target: URL): boolean =>
  target.origin === source.origin ||
  (source.protocol === 'http:' &&
    target.protocol === 'https:' &&
    target.hostname === source.hostname &&
    source.port === '' &&
    target.port === '');

/** One request with its redirects, each checked. Other statuses come back as they are; 429 and 5xx are Transient. */
export async function requestWithin(
  client: HttpClient,
  request: HttpRequest,
  policy: HostPolicy,
): Promise<HttpAnswer> {
  let current = request;
  for (let hop = 0; ; hop++) {
    const answer = await client.request(current);
    const location = answer.headers['location'];
    if (![301, 302, 303, 307, 308].includes(answer.status) || location === undefined) {
      return passOrRetry(answer);
    }
    dismiss(answer);
    const url = showUrl(current.url);
    if (!URL.canParse(location, current.url.href)) {
      throw new DepotError('UPSTREAM_ANSWER', {
        url,
        reason: 'it redirects to something that is no address',
      });
    }
    const target = new URL(location, current.url);
    policy.check(current.url, target);
    if (hop >= maxRedirects) {
      throw new DepotError('UPSTREAM_ANSWER', { url, reason: `more than ${maxRedirects} redirects` });
    }
    // User and password go along within one host only; what a Location itself carries is never used.
    const sameHost = isSameServer(current.url, target);
    target.username = sameHost ? current.url.username : '';
    target.password = sameHost ? current.url.password : '';
    const { authorization: _, ...plain } = current.headers ?? {};
    current = { ...current, url: target, headers: sameHost ? (current.headers ?? {}) : plain };
  }
}

function passOrRetry(answer: HttpAnswer): HttpAnswer {
  const { status } = answer;
  // 501 says "never"; 408 and 425 are the other client errors that may pass (RFC 9110, 15.5).
  if (status !== 429 && status !== 408 && status !== 425 && (status < 500 || status === 501)) {
    return answer;
  }
  dismiss(answer);
  const wait = parseRetryAfter(answer.headers['retry-after'], Date.now());
  const asked = wait === undefined || wait < 1000 ? '' : `, asking to wait ${Math.ceil(wait / 1000)} s`;
  const reason = (status === 429 ? 'too many requests (429)' : `the server answered ${status}`) + asked;
  throw new Transient(new DepotError('UPSTREAM_ANSWER', { url: showUrl(answer.url), reason }), wait);
}

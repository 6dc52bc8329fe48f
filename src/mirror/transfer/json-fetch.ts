import { createGunzip } from 'node:zlib';
import { DepotError } from '../../domain/errors.ts';
import { dismiss, readBody, showUrl, Transient, type HttpAnswer } from '../../net/http.ts';
import { withRetries } from '../../net/retry.ts';
import { requestWithin } from '../../net/upstream-hosts.ts';
import type { SmallFetch } from './small-fetch.ts';

/** What a server answers as JSON, of at most `limit` bytes, unpacked; undefined where it has nothing there (404). Throws DepotError. */
export const fetchJson = (
  url: URL,
  { client, policy, retry, signal }: SmallFetch,
  limit: number,
): Promise<unknown> =>
  withRetries(retry, signal, async () => {
    const headers = { accept: 'application/json', 'accept-encoding': 'gzip' };
    const answer = await requestWithin(
      client,
      { url, headers, expectsLength: true, ...(signal ? { signal } : {}) },
      policy,
    );
    if (answer.status === 404) {
      return dismiss(answer);
    }
    if (answer.status !== 200) {
      dismiss(answer);
      throw new DepotError('UPSTREAM_ANSWER', {
        url: showUrl(url),
        reason: `the server answered ${answer.status}${hintFor(answer.status, url)}`,
      });
    }
    return parseJson(await readText(answer, limit), answer);
  });

/** What a status of a listing mostly means. */
function hintFor(status: number, url: URL): string {
  if (status === 401) {
    return '; it wants user and password, as in https://USER:PASSWORD@HOST';
  }
  // Ports that speak TLS answer so to plain HTTP.
  return status === 400 && url.protocol === 'http:' ? '; is it https://?' : '';
}

async function readText(answer: HttpAnswer, limit: number): Promise<string> {
  const encoding = answer.headers['content-encoding'] ?? 'identity';
  try {
    if (encoding === 'identity') {
      return (await readBody(answer, limit)).toString('utf8');
    }
    if (encoding === 'gzip') {
      const gunzip = createGunzip();
      answer.body.on('error', (error) => gunzip.destroy(error));
      return (await readBody(answer, limit, answer.body.pipe(gunzip))).toString('utf8');
    }
  } catch (error) {
    if (error instanceof DepotError) {
      throw error;
    }
    throw new Transient(
      new DepotError('UPSTREAM_ANSWER', { url: showUrl(answer.url), reason: 'the answer was cut' }, error),
    );
  }
  dismiss(answer);
  throw new DepotError('UPSTREAM_ANSWER', {
    url: showUrl(answer.url),
    reason: `the answer has Content-Encoding ${encoding}`,
  });
}

function parseJson(text: string, answer: HttpAnswer): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const reason = /^\s*</.test(text) ? 'the answer is a page of HTML, not JSON' : 'the answer is no JSON';
    throw new DepotError('UPSTREAM_ANSWER', { url: showUrl(answer.url), reason }, error);
  }
}

import { DepotError } from '../domain/errors.ts';
import { dismiss, readBody, showUrl, Transient, type HttpClient } from '../net/http.ts';
import { withRetries } from '../net/retry.ts';
import { requestWithin } from '../net/upstream-hosts.ts';
import type { DownloadSettings } from './download.ts';

/** Fetching of files that are small enough for memory. */
export interface SmallFetch extends DownloadSettings {
  readonly onBytes?: (count: number) => void;
  readonly signal?: AbortSignal;
}

/** A model's vocabulary has some 10 MB; digests, signatures, keys and manifests have less. */
const maxSmallBytes = 64 * 1024 * 1024;

/** The whole body; undefined where the upstream doesn't have the file. Throws DepotError. */
export const fetchSmall = (url: URL, deps: SmallFetch): Promise<Buffer | undefined> => {
  const fault = (reason: string, cause?: unknown): DepotError =>
    new DepotError('UPSTREAM_ANSWER', { url: showUrl(url), reason }, cause);
  const { signal } = deps;
  return withRetries(deps.retry, signal, async () => {
    const headers = { 'accept-encoding': 'identity' };
    const answer = await requestWithin(
      deps.client,
      { url, headers, expectsLength: true, ...(signal ? { signal } : {}) },
      deps.policy,
    );
    if (answer.status === 404 || answer.status === 410) {
      dismiss(answer);
      return undefined;
    }
    const encoding = answer.headers['content-encoding'] ?? 'identity';
    if (answer.status !== 200 || encoding !== 'identity') {
      dismiss(answer);
      throw fault(
        answer.status === 200
          ? `it came with Content-Encoding ${encoding}, which was not asked for`
          : `the server answered ${answer.status}`,
      );
    }
    try {
      const body = await readBody(answer, maxSmallBytes);
      deps.onBytes?.(body.length);
      return body;
    } catch (error) {
      if (error instanceof DepotError) {
        throw error;
      }
      if (signal?.aborted) {
        throw new DepotError('INTERRUPTED', {}, error);
      }
      throw new Transient(fault('the answer was cut', error));
    }
  });
};

/** The size that the upstream tells of a file; undefined where it doesn't. */
export const askSize = (url: URL, deps: SmallFetch): Promise<number | undefined> =>
  withRetries(deps.retry, deps.signal, async () => {
    const answer = await requestWithin(
      deps.client,
      { url, method: 'HEAD', ...(deps.signal ? { signal: deps.signal } : {}) },
      deps.policy,
    );
    dismiss(answer);
    const length = answer.headers['content-length'];
    return answer.status === 200 && length !== undefined && /^\d{1,15}$/.test(length)
      ? Number(length)
      : undefined;
  });

/**
 * A client whose answers don't say what type they have, for content that is judged by itself: Elastic Defend's files may be
 * JSON, which no archive ever is.
 */
export const ofAnyType = (client: HttpClient): HttpClient => ({
  request: async (request) => {
    const answer = await client.request(request);
    return { ...answer, headers: { ...answer.headers, 'content-type': undefined } };
  },
  close: () => client.close(),
});

/** The upstream doesn't have a file that is needed. */
export const absent = (url: URL): DepotError =>
  new DepotError('UPSTREAM_ANSWER', { url: showUrl(url), reason: 'the upstream does not have it (404)' });

/** Whether bytes are a page for people: a portal's login or an error, answered with 200. */
export const isWebPage = (bytes: Uint8Array): boolean =>
  /^\s*<(?:!doctype|html|\?xml|head|body|error)/i.test(
    Buffer.from(bytes.subarray(0, 256)).toString('latin1'),
  );

import { DepotError } from '../../domain/errors.ts';
import { dismiss, readBody, showUrl, Transient } from '../../net/http.ts';
import { withRetries } from '../../net/retry.ts';
import { requestWithin } from '../../net/upstream-hosts.ts';
import type { DownloadSettings } from './download-types.ts';

/** Fetching of files that are small enough for memory. */
export interface SmallFetch extends DownloadSettings {
  readonly onBytes?: (count: number) => void;
  readonly signal?: AbortSignal;
}

/** A model's vocabulary has some 10 MB; digests, signatures, keys and manifests have less. */
const maxSmallBytes = 64 * 1024 * 1024;

/** The whole body of at most `limit` bytes; undefined where the upstream doesn't have the file. Throws DepotError. */
export const fetchSmall = (
  url: URL,
  deps: SmallFetch,
  limit = maxSmallBytes,
): Promise<Buffer | undefined> => {
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
      const body = await readBody(answer, limit);
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

/** The upstream doesn't have a file that is needed. */
export const absent = (url: URL): DepotError =>
  new DepotError('UPSTREAM_ANSWER', { url: showUrl(url), reason: 'the upstream does not have it (404)' });

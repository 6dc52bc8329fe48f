import { DepotError } from '../../domain/errors.ts';
import { createClient } from '../../net/client.ts';
import { readBody, reportedFault, showUrl, type HttpClient } from '../../net/http.ts';
import { defaultRetryPolicy, withRetries, type RetryPolicy } from '../../net/retry.ts';
import { createHostPolicy, requestWithin } from '../../net/upstream-hosts.ts';
import type { FetchBytes } from '../../signing/key-fetch.ts';
import { readOutgoingSettings, readRetryPolicy, type OutgoingOptions } from '../outgoing-options.ts';
import type { CommandIo } from '../verb.ts';

/** Fetches keys with a client: over https only, and from the host that was asked. */
export const fetchKeysWith =
  (client: HttpClient, signal: AbortSignal, retry: RetryPolicy = defaultRetryPolicy): FetchBytes =>
  async (address, limit) => {
    const url = new URL(address);
    const fail = (reason: string, cause?: unknown): DepotError =>
      new DepotError('KEY_FETCH_FAILED', { url: showUrl(url), reason }, cause);
    if (url.protocol !== 'https:') {
      throw fail('only https addresses are asked for keys');
    }
    try {
      const ask = () => requestWithin(client, { url, signal }, createHostPolicy([url], []));
      const answer = await withRetries(retry, signal, ask);
      if (answer.status !== 200) {
        answer.body.on('error', () => {}).destroy();
        throw fail(`it answered ${answer.status}`);
      }
      return await readBody(answer, limit);
    } catch (error) {
      const known = reportedFault(error);
      if (known instanceof DepotError && known.code.startsWith('UPSTREAM_')) {
        throw fail(String(known.details['reason']), known);
      }
      throw known;
    }
  };

/** The same for a verb that fetches nothing else: the client is made where it is needed, and closed after it. */
export const keyFetch =
  (options: OutgoingOptions, io: Pick<CommandIo, 'env' | 'signal'>): FetchBytes =>
  async (address, limit) => {
    const client = createClient(readOutgoingSettings(options, io, 1));
    try {
      return await fetchKeysWith(client, io.signal, readRetryPolicy(options))(address, limit);
    } finally {
      await client.close();
    }
  };

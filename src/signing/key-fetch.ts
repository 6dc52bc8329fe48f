import { request } from 'undici';
import { DepotError } from '../domain/errors.ts';
import { messageOf } from './public-key.ts';

/** Fetches at most `limit` bytes. Throws DepotError where that can't be done. */
export type FetchBytes = (url: string, limit: number) => Promise<Uint8Array>;

/**
 * A plain fetch for machines that reach the address directly: https only, no redirects, 30 s. Where there is a proxy or
 * a private CA, hand in the client that knows them.
 */
export const fetchDirectly: FetchBytes = async (url, limit) => {
  if (!url.startsWith('https://')) {
    throw new DepotError('KEY_FETCH_FAILED', { url, reason: 'only https addresses are asked for keys' });
  }
  try {
    const answer = await request(url, { headersTimeout: 30_000, bodyTimeout: 30_000 });
    if (answer.statusCode !== 200) {
      await answer.body.dump();
      throw new Error(`answered ${answer.statusCode}`);
    }
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      size += chunk.byteLength;
      if (size > limit) {
        throw new Error(`the answer has more than ${limit} bytes`);
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } catch (error) {
    throw new DepotError('KEY_FETCH_FAILED', { url, reason: messageOf(error) }, error);
  }
};

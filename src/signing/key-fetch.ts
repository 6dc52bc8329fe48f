import { DepotError, messageOf } from '../domain/errors.ts';

/** Fetches at most `limit` bytes. Throws DepotError where that can't be done. */
export type FetchBytes = (url: string, limit: number) => Promise<Uint8Array>;

/**
 * A plain fetch for machines that reach the address directly: https only, no redirects, one minute. Where there is a
 * proxy or a private CA, hand in the client that knows them.
 */
export const fetchDirectly: FetchBytes = async (address, limit) => {
  const url = shownSource(address);
  if (!url.startsWith('https://')) {
    throw new DepotError('KEY_FETCH_FAILED', { url, reason: 'only https addresses are asked for keys' });
  }
  try {
    const { username, password } = new URL(address);
    const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    const answer = await fetch(url, {
      redirect: 'error',
      signal: AbortSignal.timeout(60_000),
      headers: user === ':' ? {} : { authorization: `Basic ${Buffer.from(user).toString('base64')}` },
    });
    if (answer.status !== 200 || answer.body === null) {
      await answer.body?.cancel();
      throw new Error(`it answered ${answer.status}`);
    }
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of answer.body) {
      size += chunk.byteLength;
      if (size > limit) {
        throw new Error(`the answer has more than ${limit} bytes`);
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } catch (error) {
    throw new DepotError('KEY_FETCH_FAILED', { url, reason: reasonOf(error) }, error);
  }
};

/** Where a key comes from, as it may be shown: an address without user and password, a file as it is. */
export const shownSource = (from: string): string => {
  if (!/^https?:/i.test(from) || !URL.canParse(from)) {
    return from.replace(/^(https?:\/\/)[^/@]*@/i, '$1');
  }
  const url = new URL(from);
  [url.username, url.password] = ['', ''];
  return url.href;
};

// fetch says only "fetch failed"; what failed is in its cause.
const reasonOf = (error: unknown): string =>
  error instanceof Error && error.cause instanceof Error ? error.cause.message : messageOf(error);

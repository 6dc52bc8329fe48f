import { DepotError } from '../domain/errors.ts';

const refuse = (flag: string, reason: string): DepotError =>
  new DepotError('USAGE', { reason: `${flag} ${reason}` });

/** An http or https address. Throws USAGE, which names `flag` and shows what may have been meant, but no user or password. */
export function readHttpAddress(text: string, flag: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    const isHost = /^[\w.[][\w.:[\]-]*(?:\/[\w.-]+)*\/?$/.test(text);
    const meant = isHost ? text : 'depot.example:8443';
    throw refuse(flag, `must be an http or https address, such as https://${meant}`);
  }
  return url;
}

/**
 * The address of a server that paths are put behind: http or https. Throws USAGE, which names `flag`, for anything else, and for
 * a query or a fragment, which would be lost.
 */
export function readBaseAddress(text: string, flag: string): URL {
  const url = readHttpAddress(text, flag);
  const lost = /[?#].*$/.exec(text)?.[0];
  if (lost !== undefined) {
    const what = lost.startsWith('?') ? 'query' : 'fragment';
    throw refuse(flag, `must not have a ${what}: leave out everything from the '${lost[0]}' on`);
  }
  try {
    decodeURIComponent(`${url.username}${url.password}`);
  } catch (error) {
    throw new DepotError('USAGE', { reason: `${flag}: a % in user or password must be written %25` }, error);
  }
  return url;
}

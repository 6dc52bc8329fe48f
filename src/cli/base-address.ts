import { DepotError } from '../domain/errors.ts';

/**
 * The address of a server that paths are put behind: http or https. Throws USAGE, which names `flag`, for anything else, and for
 * a query or a fragment, which would be lost.
 */
export function readBaseAddress(text: string, flag: string): URL {
  const refuse = (reason: string): DepotError => new DepotError('USAGE', { reason: `${flag} ${reason}` });
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw refuse('must be an http or https address, such as https://depot.example:8443');
  }
  const lost = /[?#].*$/.exec(text)?.[0];
  if (lost !== undefined) {
    const what = lost.startsWith('?') ? 'query' : 'fragment';
    throw refuse(`must not have a ${what}: leave out everything from the '${lost[0]}' on`);
  }
  try {
    decodeURIComponent(`${url.username}${url.password}`);
  } catch (error) {
    throw new DepotError('USAGE', { reason: `${flag}: a % in user or password must be written %25` }, error);
  }
  return url;
}

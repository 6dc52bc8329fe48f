import { DepotError } from '../../domain/errors.ts';
import type { Step } from '../application.ts';

/** A name or an address, and a port. */
const sound = /^(?:\[[\w:.%~-]+\]|[\w.~!$&'()*+,;=%-]*)(?::\d*)?$/;

/**
 * Refuses a request that doesn't name exactly one host (RFC 9112, 3.2). Nothing here goes by the host, but a proxy in front may
 * take the one and a server the other.
 */
export function hostGuard(): Step {
  // Nearly all requests come with the same.
  let last = '';
  return (context, next) => {
    const { headers, httpVersion, rawHeaders } = context.req;
    const { host } = headers;
    if (host === undefined ? httpVersion !== '1.0' : host !== last && !sound.test(host)) {
      throw new DepotError('REQUEST_INVALID');
    }
    last = host ?? last;
    if (countHosts(rawHeaders) > 1) {
      throw new DepotError('REQUEST_INVALID');
    }
    return next(context);
  };
}

/** Of several, Node tells the first and drops the others. */
function countHosts(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at];
    if (name?.length === 4 && name.toLowerCase() === 'host') {
      count++;
    }
  }
  return count;
}

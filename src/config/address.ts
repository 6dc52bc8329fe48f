import { isIPv6 } from 'node:net';
import { DepotError } from '../domain/errors.ts';

/** Where a server listens. An empty host means every address of the machine, as in `:8080`. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Reads `host:port`, `:port` and `[ipv6]:port`. Throws DepotError VALUE_INVALID. */
export const parseAddress = (text: string): ListenAddress => {
  const refuse = (why: string): never => {
    throw new DepotError('VALUE_INVALID', {
      reason: `'${text}' ${why}: write host:port, :port or [ipv6]:port, such as localhost:8080`,
    });
  };
  const match = /^(?:\[([^\]]*)\]|([^:[\]\s/@]*)):(\d{1,5})$/.exec(text);
  if (match === null) {
    return refuse(/:\d+$/.test(text) ? 'is not an address to listen on' : 'has no port');
  }
  const [, bracketed, plain, digits] = match;
  const port = Number(digits);
  if (port > 65_535) {
    return refuse('has a port above 65535');
  }
  if (bracketed !== undefined && !isIPv6(bracketed.split('%', 1)[0] ?? '')) {
    return refuse('has no IPv6 address in its brackets');
  }
  return { host: bracketed ?? plain ?? '', port };
};

import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { forwardedFor } from './forwarded.ts';

/** Tells whose request it is; undefined where the connection is gone. */
export type ClientAddress = (request: IncomingMessage) => string | undefined;

/** Addresses of one proxy or of a network of them, as `-trusted-proxies` names them. Plain data. */
export interface ProxyNetwork {
  readonly address: string;
  /** Bits that count. */
  readonly bits: number;
}

/**
 * The address of the connection. Where that is a trusted proxy, what it has written at the end of X-Forwarded-For, and so on to the
 * left for as long as that is a trusted proxy, too: the first address that is none is the client, since whatever stands left of it
 * comes from there and may be made up. Forwarded (RFC 7239) is read likewise where there is no X-Forwarded-For: nearly all proxies
 * write that one, and pass on whatever Forwarded a client has made up.
 */
export const createClientAddress = (proxies: readonly ProxyNetwork[]): ClientAddress => {
  if (proxies.length === 0) {
    return ({ socket }) => socket.remoteAddress;
  }
  const trusted = new BlockList();
  for (const { address, bits } of proxies) {
    trusted.addSubnet(address, bits, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
  const isTrusted = (address: string): boolean =>
    trusted.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  return ({ socket, headers }) => {
    let client = socket.remoteAddress;
    const hops = hopsOf(headers);
    while (client !== undefined && isTrusted(client)) {
      const before = plainAddress(hops.pop());
      if (before === undefined) {
        break;
      }
      client = before;
    }
    return client;
  };
};

/** Node joins a header that comes several times with commas; some servers' types say a list. */
const hopsOf = (headers: IncomingHttpHeaders): (string | undefined)[] => {
  const list = [headers['x-forwarded-for'] ?? ''].flat().join(',');
  return list === '' ? [...forwardedFor(headers.forwarded ?? '')] : list.split(',');
};

/** Some proxies add the port, or a name for it; IPv6 then has brackets. Undefined for anything that is no address. */
const plainAddress = (hop: string | undefined): string | undefined => {
  const text = hop?.trim() ?? '';
  const address = /^\[(.+)\](?::[\w.-]+)?$/.exec(text)?.[1] ?? /^([\d.]+):[\w.-]+$/.exec(text)?.[1] ?? text;
  return isIP(address) === 0 ? undefined : address;
};

import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

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
 * comes from there and may be made up.
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
    // Node joins a header that comes several times with commas; some servers' types say a list.
    const hops = [headers['x-forwarded-for'] ?? ''].flat().join(',').split(',');
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

/** Some proxies add the port; IPv6 then has brackets. Undefined for anything that is no address. */
const plainAddress = (hop: string | undefined): string | undefined => {
  const text = hop?.trim() ?? '';
  const address = /^\[(.+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
  return isIP(address) === 0 ? undefined : address;
};

import { BlockList, isIP } from 'node:net';

/**
 * Reads NO_PROXY and says of an address whether it is reached without a proxy. As curl and Go read it: entries between commas
 * or blanks, each a host, which stands for what is below it as well (`.corp.example`, `*.corp.example` and `corp.example` are
 * the same), an IP address or a network such as `10.0.0.0/8`, all of them with `:PORT` or without. `*` is everything.
 */
export function createBypass(noProxy: string): (url: URL) => boolean {
  const rules = noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .map(readEntry);
  return (url) => {
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    const port = url.port || (url.protocol === 'https:' ? '443' : '80');
    return rules.some((rule) => (rule.port === undefined || rule.port === port) && rule.matches(host));
  };
}

interface Rule {
  readonly port: string | undefined;
  matches(host: string): boolean;
}

function readEntry(entry: string): Rule {
  // An IPv6 address has colons of its own; with a port it stands in brackets.
  const [, text = entry, port] =
    isIP(entry) === 6 ? [] : (/^(.*?)(?::(\d{1,5}))?$/.exec(entry) ?? ([] as string[]));
  const name = text.replace(/^\[(.*)\]$/, '$1');
  return { port, matches: readNetwork(name) ?? matchName(name) };
}

function readNetwork(name: string): ((host: string) => boolean) | undefined {
  const [address = '', length] = name.split('/');
  const version = isIP(address);
  if (version === 0) {
    return undefined;
  }
  const most = version === 6 ? 128 : 32;
  const bits = length === undefined ? most : /^\d{1,3}$/.test(length) ? Number(length) : most + 1;
  if (bits > most) {
    return () => false;
  }
  const list = new BlockList();
  list.addSubnet(address, bits, version === 6 ? 'ipv6' : 'ipv4');
  return (host) => isIP(host) !== 0 && list.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4');
}

function matchName(name: string): (host: string) => boolean {
  if (name === '*') {
    return () => true;
  }
  const domain = name.replace(/^\*?\./, '');
  return (host) => domain !== '' && (host === domain || host.endsWith(`.${domain}`));
}

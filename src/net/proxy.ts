import { readFileSync } from 'node:fs';
import { DepotError, messageOf } from '../domain/errors.ts';
import { createBypass } from './no-proxy.ts';

/** Which proxy to take, without any secret in an address. */
export interface ProxySettings {
  /** For https targets; without userinfo. */
  readonly httpsProxy?: ProxyAddress;
  /** For http targets. */
  readonly httpProxy?: ProxyAddress;
  /** As in NO_PROXY: hosts, domains, networks and host:port, with commas; `*` for all. */
  readonly noProxy: string;
}

/** The proxy that an address is asked through; undefined where it is reached directly. */
export function createProxyChoice(settings: ProxySettings): (url: URL) => ProxyAddress | undefined {
  const bypasses = createBypass(settings.noProxy);
  return (url) => {
    const address = url.protocol === 'https:' ? settings.httpsProxy : settings.httpProxy;
    return address && !bypasses(url) ? address : undefined;
  };
}

/** A proxy as requests use it. */
export interface ProxyAddress {
  readonly uri: string;
  /** Value of Proxy-Authorization. */
  readonly authorization?: string;
}

/** What the command line and the environment say of proxies. */
export interface ProxyOptions {
  readonly proxy?: string;
  /** A file with `user:password`. */
  readonly proxyAuthFile?: string;
}

/**
 * Settles the proxies: `--proxy` for everything, else HTTPS_PROXY and HTTP_PROXY (lower case wins, as with curl);
 * NO_PROXY holds in both cases. Throws DepotError PROXY_INVALID, which never shows user or password.
 */
export function resolveProxy(options: ProxyOptions, env: NodeJS.ProcessEnv): ProxySettings {
  const noProxy = env['no_proxy'] ?? env['NO_PROXY'] ?? '';
  const file = options.proxyAuthFile;
  const credentials = file === undefined ? undefined : readCredentials(file);
  if (options.proxy !== undefined) {
    const address = parseAddress(options.proxy, '--proxy', credentials);
    return { httpsProxy: address, httpProxy: address, noProxy };
  }
  // Upper-case HTTP_PROXY is honoured: no CGI request can set a command line's environment.
  const http = env['http_proxy'] ?? env['HTTP_PROXY'];
  const https = env['https_proxy'] ?? env['HTTPS_PROXY'];
  return {
    noProxy,
    ...(http ? { httpProxy: parseAddress(http, 'HTTP_PROXY', credentials) } : {}),
    ...(https ? { httpsProxy: parseAddress(https, 'HTTPS_PROXY', credentials) } : {}),
  };
}

function parseAddress(text: string, flag: string, credentials: string | undefined): ProxyAddress {
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (!URL.canParse(full)) {
    throw new DepotError('PROXY_INVALID', { flag, reason: 'it is no address' });
  }
  const url = new URL(full);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new DepotError('PROXY_INVALID', {
      flag,
      reason: `a proxy is reached by http or https, not ${url.protocol}`,
    });
  }
  if (`${url.pathname}${url.search}${url.hash}` !== '/') {
    throw new DepotError('PROXY_INVALID', {
      flag,
      reason:
        'a proxy is named by host and port, without a path or query (in user and password, / ? and # must be written %2F, %3F and %23)',
    });
  }
  const inline =
    `${url.username}${url.password}` === ''
      ? undefined
      : `${decode(url.username, flag)}:${decode(url.password, flag)}`;
  const known = credentials ?? inline;
  const uri = url.origin;
  return known === undefined
    ? { uri }
    : { uri, authorization: `Basic ${Buffer.from(known).toString('base64')}` };
}

function decode(text: string, flag: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new DepotError('PROXY_INVALID', { flag, reason: 'a % in user or password must be written %25' });
  }
}

function readCredentials(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new DepotError(
      'PROXY_INVALID',
      { flag: '--proxy-auth-file', reason: `${file} cannot be read: ${messageOf(error)}` },
      error,
    );
  }
  if (!text.includes(':') || /[\r\n]/.test(text)) {
    throw new DepotError('PROXY_INVALID', {
      flag: '--proxy-auth-file',
      reason: `${file} must hold one line, user:password`,
    });
  }
  return text;
}

/** `Name: value` lines of `--proxy-header`. Throws DepotError PROXY_INVALID. */
export function parseHeaders(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e]*)$/.exec(line);
    const name = match?.[1]?.toLowerCase();
    if (name === undefined) {
      throw new DepotError('PROXY_INVALID', {
        flag: '--proxy-header',
        reason: 'a header is written Name: value',
      });
    }
    headers[name] = match?.[2] ?? '';
  }
  return headers;
}

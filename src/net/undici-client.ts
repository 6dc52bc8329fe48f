import { Agent, EnvHttpProxyAgent } from 'undici';
import type { Dispatcher, Pool } from 'undici';
import type { ClientSettings } from './client.ts';
import type { HttpAnswer, HttpRequest } from './http.ts';
import { createProxyPool } from './proxy-pool.ts';
import type { ProxyAddress } from './proxy.ts';
import { tlsOptions } from './tls-material.ts';

export type HeaderRecord = Readonly<Record<string, string>>;

/** A whole HTTP client: proxies, chunked bodies, whatever a server may answer. */
export interface UndiciClient {
  /** Rejects with the errors of Node and undici, and with TunnelError. */
  request(request: HttpRequest, headers: HeaderRecord): Promise<HttpAnswer>;
  close(): Promise<void>;
}

/** Bytes of a body that may wait to be read. */
const bodyBytes = 128 * 1024;

export function createUndiciClient(settings: ClientSettings): UndiciClient {
  const { proxy } = settings;
  const direct = new Agent(agentOptions(settings));
  const viaHttps = proxy.httpsProxy && createProxyAgent(settings, proxy.httpsProxy);
  const viaHttp = proxy.httpProxy && createProxyAgent(settings, proxy.httpProxy);

  return {
    async request({ url, method = 'GET', signal }, headers) {
      const dispatcher: Dispatcher = (url.protocol === 'https:' ? viaHttps : viaHttp) ?? direct;
      const answer = await dispatcher.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method,
        // undici closes the connection after a HEAD; a thousand of them would mean a thousand connections.
        ...(method === 'HEAD' ? { reset: false } : {}),
        highWaterMark: bodyBytes,
        headers,
        ...(signal ? { signal } : {}),
      });
      return { status: answer.statusCode, headers: firstValues(answer.headers), body: answer.body, url };
    },
    async close() {
      await Promise.all([direct.destroy(), viaHttps?.destroy(), viaHttp?.destroy()]);
    },
  };
}

function agentOptions(settings: ClientSettings): Agent.Options {
  return {
    connections: settings.connections,
    headersTimeout: settings.headersTimeout,
    bodyTimeout: settings.bodyTimeout,
    connect: { timeout: settings.connectTimeout, ...tlsOptions(settings.tls) },
  };
}

/** One proxy. Certificates for the upstream count in `connect` where NO_PROXY says direct, in `requestTls` behind the proxy. */
function createProxyAgent(settings: ClientSettings, address: ProxyAddress): Dispatcher {
  return new EnvHttpProxyAgent({
    ...agentOptions(settings),
    httpProxy: address.uri,
    httpsProxy: address.uri,
    noProxy: settings.proxy.noProxy,
    ...(address.authorization === undefined ? {} : { token: address.authorization }),
    headers: { ...settings.proxyHeaders },
    requestTls: { timeout: settings.connectTimeout, ...tlsOptions(settings.tls) },
    proxyTls: { timeout: settings.connectTimeout, ...tlsOptions(settings.proxyTls) },
    // Plain http is asked with an absolute address, as curl does: many proxies tunnel to port 443 only.
    proxyTunnel: false,
    clientFactory: (origin: URL, options: Pool.Options) => createProxyPool(origin, options),
  });
}

function firstValues(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string | undefined> {
  const first: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(headers)) {
    first[name] = Array.isArray(value) ? value[0] : value;
  }
  return first;
}

import { Agent, EnvHttpProxyAgent } from 'undici';
import type { Dispatcher, Pool } from 'undici';
import { DepotError } from '../domain/errors.ts';
import { createDirectClient } from './direct-client.ts';
import { describeFailure } from './failure.ts';
import type { HttpAnswer, HttpClient, HttpRequest } from './http.ts';
import { showUrl, Transient } from './http.ts';
import { createProxyPool } from './proxy-pool.ts';
import type { ProxyAddress, ProxySettings } from './proxy.ts';
import type { TlsMaterial } from './tls-material.ts';
import { tlsOptions } from './tls-material.ts';

/** How to go out. Times in milliseconds. */
export interface ClientSettings {
  readonly proxy: ProxySettings;
  /** Sent to the proxy only: on CONNECT, and with each request where it isn't tunnelled. */
  readonly proxyHeaders: Readonly<Record<string, string>>;
  readonly proxyTls: TlsMaterial;
  /** Own CA and client certificate for upstreams. */
  readonly tls: TlsMaterial;
  /** Connections to one host. */
  readonly connections: number;
  readonly connectTimeout: number;
  /** From the request to the answer's head. */
  readonly headersTimeout: number;
  /** Between two pieces of a body: a stalled one is a fault that may pass. */
  readonly bodyTimeout: number;
  readonly userAgent: string;
}

/** Bytes of a body that may wait to be read. */
const bodyBytes = 128 * 1024;

/** Makes the client that everything outgoing uses. Nothing is sent before the first request. */
export function createClient(settings: ClientSettings): HttpClient {
  const { proxy } = settings;
  const direct = new Agent(agentOptions(settings));
  const files = createDirectClient(settings);
  const viaHttps = proxy.httpsProxy && createProxyAgent(settings, proxy.httpsProxy);
  const viaHttp = proxy.httpProxy && createProxyAgent(settings, proxy.httpProxy);

  return {
    async request(request: HttpRequest): Promise<HttpAnswer> {
      const { url, method = 'GET', signal } = request;
      const secure = url.protocol === 'https:';
      const dispatcher: Dispatcher = (secure ? viaHttps : viaHttp) ?? direct;
      const address = secure ? proxy.httpsProxy : proxy.httpProxy;
      const headers = {
        'user-agent': settings.userAgent,
        ...basicAuthorization(url),
        ...request.headers,
      };
      try {
        const file =
          request.isFile && method === 'GET' && dispatcher === direct
            ? await files.get(url, headers, signal)
            : undefined;
        if (file) {
          return file;
        }
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
        if (answer.statusCode !== 407) {
          return { status: answer.statusCode, headers: firstValues(answer.headers), body: answer.body, url };
        }
        answer.body.on('error', () => {}).destroy();
        throw proxyRefused(address, url, 'it wants another user or password (407)');
      } catch (error) {
        if (error instanceof DepotError) {
          throw error;
        }
        if (signal?.aborted) {
          throw new DepotError('INTERRUPTED', {}, error);
        }
        const failure = describeFailure(error, settings);
        const report = failure.byProxy
          ? proxyRefused(address, url, failure.reason, error)
          : new DepotError('UPSTREAM_UNREACHABLE', { url: showUrl(url), reason: failure.reason }, error);
        throw failure.passing ? new Transient(report) : report;
      }
    },
    async close() {
      files.close();
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

function proxyRefused(
  address: ProxyAddress | undefined,
  url: URL,
  reason: string,
  cause?: unknown,
): DepotError {
  return new DepotError(
    'PROXY_REFUSED',
    { proxy: address?.uri ?? 'on the way', url: showUrl(url), reason },
    cause,
  );
}

function basicAuthorization(url: URL): Record<string, string> {
  if (url.username === '') {
    return {};
  }
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
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

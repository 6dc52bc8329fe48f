import { Agent, Pool, ProxyAgent } from 'undici';
import type { Dispatcher } from 'undici';
import type { ClientSettings } from './client-settings.ts';
import type { HttpAnswer, HttpRequest } from './http.ts';
import { createProxyPool } from './proxy-pool.ts';
import { createProxyChoice, type ProxyAddress } from './proxy.ts';
import { tlsOptions } from './tls-material.ts';

/** Headers by name. */
export type HeaderRecord = Readonly<Record<string, string>>;

/** A whole HTTP client: proxies, chunked bodies, whatever a server may answer. */
export interface UndiciClient {
  /** Rejects with the errors of Node and undici, and with TunnelError. */
  request(request: HttpRequest, headers: HeaderRecord): Promise<HttpAnswer>;
  close(): Promise<void>;
}

/** Bytes of a body that may wait to be read. */
const bodyBytes = 128 * 1024;

/** Connects with the first request. */
export function createUndiciClient(settings: ClientSettings): UndiciClient {
  const proxyFor = createProxyChoice(settings.proxy);
  const direct = new Agent(agentOptions(settings));
  const agents = new Map<ProxyAddress, Dispatcher>();
  const via = (address: ProxyAddress): Dispatcher => {
    const agent = agents.get(address) ?? createProxyAgent(settings, address);
    agents.set(address, agent);
    return agent;
  };

  return {
    async request({ url, method = 'GET', signal }, headers) {
      const address = proxyFor(url);
      const dispatcher = address ? via(address) : direct;
      const asked = dispatcher.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method,
        // undici closes the connection after a HEAD; a thousand of them would mean a thousand connections.
        ...(method === 'HEAD' ? { reset: false } : {}),
        highWaterMark: bodyBytes,
        headers,
        ...(signal ? { signal } : {}),
      });
      const answer = await (signal ? unlessAborted(asked, signal) : asked);
      return { status: answer.statusCode, headers: firstValues(answer.headers), body: answer.body, url };
    },
    async close() {
      await Promise.all([direct, ...agents.values()].map((one) => one.destroy()));
    },
  };
}

/** undici hears of an abort only once it is connected, which may take as long as a proxy or a host says nothing. */
function unlessAborted<Answer>(asked: Promise<Answer>, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(new Error('aborted', { cause: signal.reason }));
    signal.addEventListener('abort', stop, { once: true });
    asked.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
    if (signal.aborted) {
      stop();
    }
  });
}

function agentOptions(settings: ClientSettings): Agent.Options {
  return {
    connections: settings.connections,
    headersTimeout: settings.headersTimeout,
    bodyTimeout: settings.bodyTimeout,
    connect: { timeout: settings.connectTimeout, ...tlsOptions(settings.tls) },
  };
}

/** One proxy. Certificates for the upstream count in `requestTls` behind it. */
function createProxyAgent(settings: ClientSettings, address: ProxyAddress): Dispatcher {
  // ProxyAgent hands its own times on to the connections behind a tunnel only.
  const { connect: _, ...times } = agentOptions(settings);
  return new ProxyAgent({
    ...agentOptions(settings),
    uri: address.uri,
    ...(address.authorization === undefined ? {} : { token: address.authorization }),
    headers: { ...settings.proxyHeaders },
    requestTls: { timeout: settings.connectTimeout, ...tlsOptions(settings.tls) },
    proxyTls: { timeout: settings.connectTimeout, ...tlsOptions(settings.proxyTls) },
    // Plain http is asked with an absolute address, as curl does: many proxies tunnel to port 443 only.
    proxyTunnel: false,
    factory: (origin, options) => new Pool(origin, { ...times, ...options }),
    clientFactory: (origin, options) => createProxyPool(origin, { ...times, ...options }),
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

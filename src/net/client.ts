import { DepotError } from '../domain/errors.ts';
import { createDirectClient } from './direct-client.ts';
import { describeFailure } from './failure.ts';
import type { HttpAnswer, HttpClient, HttpRequest } from './http.ts';
import { showUrl, Transient } from './http.ts';
import type { ProxyAddress, ProxySettings } from './proxy.ts';
import type { TlsMaterial } from './tls-material.ts';
import type { HeaderRecord, UndiciClient } from './undici-client.ts';

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

/** Makes the client that everything outgoing uses. Nothing is sent before the first request. */
export function createClient(settings: ClientSettings): HttpClient {
  const { proxy } = settings;
  const direct = createDirectClient(settings);
  let loading: Promise<UndiciClient> | undefined;
  // Loaded when it is first needed: it takes 0.1 s and 10 MB.
  const load = (): Promise<UndiciClient> => {
    loading ??= import('./undici-client.ts').then(({ createUndiciClient }) => createUndiciClient(settings));
    return loading;
  };

  const ask = async (request: HttpRequest, headers: HeaderRecord, isDirect: boolean): Promise<HttpAnswer> => {
    const { url, method = 'GET', signal } = request;
    const answer =
      isDirect && request.expectsLength && method === 'GET'
        ? await direct.get(url, headers, signal)
        : undefined;
    return answer ?? (await load()).request(request, headers);
  };
  return {
    async request(request) {
      const { url, signal } = request;
      const address = proxyFor(url, proxy);
      try {
        const headers = {
          'user-agent': settings.userAgent,
          ...basicAuthorization(url),
          ...request.headers,
        };
        const answer = await ask(request, headers, address === undefined);
        if (answer.status !== 407) {
          return answer;
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
      direct.close();
      await (await loading)?.close();
    },
  };
}

/** The proxy of a kind of address, whatever NO_PROXY says. */
const proxyFor = (url: URL, proxy: ProxySettings): ProxyAddress | undefined =>
  url.protocol === 'https:' ? proxy.httpsProxy : proxy.httpProxy;

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

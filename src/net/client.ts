import type { ClientSettings } from './client-settings.ts';
import { DepotError } from '../domain/errors.ts';
import { createDirectClient } from './direct-client.ts';
import { describeFailure, refusalByProxy, type Failure } from './failure.ts';
import type { HttpAnswer, HttpClient, HttpRequest } from './http.ts';
import { showUrl, Transient } from './http.ts';
import { createProxyChoice, type ProxyAddress } from './proxy.ts';
import type { HeaderRecord, UndiciClient } from './undici-client.ts';

/** Makes the client that everything outgoing uses. Nothing is sent before the first request. */
export function createClient(settings: ClientSettings): HttpClient {
  const proxyFor = createProxyChoice(settings.proxy);
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
    async request(asked) {
      const { url, signal = settings.signal } = asked;
      const request = signal ? { ...asked, signal } : asked;
      const address = proxyFor(url);
      try {
        const headers = {
          'user-agent': settings.userAgent,
          ...basicAuthorization(url),
          ...request.headers,
        };
        const answer = await ask(request, headers, address === undefined);
        const refusal = refusalOf(answer, address !== undefined && url.protocol === 'http:');
        if (!refusal) {
          return answer;
        }
        answer.body.on('error', () => {}).destroy();
        const report = proxyRefused(address, url, refusal.reason);
        throw refusal.passing ? new Transient(report) : report;
      } catch (error) {
        if (error instanceof DepotError || error instanceof Transient) {
          throw error;
        }
        if (signal?.aborted) {
          throw new DepotError('INTERRUPTED', {}, error);
        }
        const failure = describeFailure(error, settings, address !== undefined && url.protocol === 'http:');
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

/**
 * What a proxy says instead of the server: 407, and where it isn't tunnelled whatever Squid and tinyproxy mark as a page of their
 * own (X-Squid-Error, Server). Undefined for the server's answers.
 */
function refusalOf(
  { status, headers }: HttpAnswer,
  isRelayed: boolean,
): Pick<Failure, 'reason' | 'passing'> | undefined {
  if (status === 407) {
    return refusalByProxy(status);
  }
  if (!isRelayed || status < 400) {
    return undefined;
  }
  const page = /^[A-Z_]+/.exec(headers['x-squid-error'] ?? '')?.[0];
  const isOwn = page !== undefined || /^tinyproxy\b/.test(headers['server'] ?? '');
  return isOwn ? refusalByProxy(status, page) : undefined;
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
  if (url.username === '' && url.password === '') {
    return {};
  }
  let credentials: string;
  try {
    credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  } catch (error) {
    const reason = `${showUrl(url)}: a % in user or password must be written %25`;
    throw new DepotError('USAGE', { reason }, error);
  }
  return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}

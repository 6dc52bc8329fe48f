import type { Socket } from 'node:net';
import type { Context, Middleware } from 'koa';
import type { Log } from '../../telemetry/log.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { RequestState } from './request-id.ts';

/** One line and one measure for each request, when its answer has gone out or the client has left. */
export function accessLog(log: Log, metrics: Metrics): Middleware<RequestState> {
  return async (context, next) => {
    const start = performance.now();
    const { socket } = context.req;
    const writtenBefore = socket.bytesWritten;
    metrics.requestStarted();
    context.res.once('close', () => {
      const seconds = (performance.now() - start) / 1000;
      const sent = context.res.writableFinished;
      // 499: the client left before the end; nginx's number, since no standard has one.
      const status = sent ? context.res.statusCode : 499;
      const bytes = sentBytes(context, socket, writtenBefore);
      metrics.requestFinished({
        status,
        method: context.method,
        route: context.state.route ?? 'unknown',
        seconds,
        requestBytes: Number(context.req.headers['content-length'] ?? 0),
        responseBytes: bytes,
      });
      write(log, context, status, bytes, seconds);
    });
    await next();
  };
}

/**
 * Bytes of the body that went out. Of an answer that was cut it is what the connection took since the request came, less
 * the head; that may be a little more than what the client saw.
 */
function sentBytes(context: Context, socket: Socket, writtenBefore: number): number {
  if (context.method === 'HEAD') {
    return 0;
  }
  if (context.res.writableFinished) {
    return Number(context.res.getHeader('content-length') ?? 0);
  }
  return context.res.headersSent ? Math.max(0, socket.bytesWritten - writtenBefore - headBytes(context)) : 0;
}

/** About: names, values and line ends as Node writes them. */
function headBytes({ res }: Context): number {
  const lines = Object.entries(res.getHeaders()).flatMap(([name, value]) =>
    [value].flat().map((text) => name.length + String(text).length + 4),
  );
  return lines.reduce((sum, length) => sum + length, 0) + 100;
}

function write(log: Log, context: Context, status: number, bytes: number, seconds: number): void {
  const isHealth = context.state['path'] === '/health';
  const agent = context.req.headers['user-agent'] ?? '';
  const mark = (context.req.url ?? '').indexOf('?');
  const fields = {
    'event.action': 'request',
    'event.duration': Math.round(seconds * 1e9),
    'http.request.id': context.state['requestId'] as string,
    'http.request.method': context.method,
    'http.response.status_code': status,
    'http.response.body.bytes': bytes,
    'url.path': context.state['path'] as string | undefined,
    ...(mark < 0 ? {} : { 'url.query': context.req.url?.slice(mark + 1) }),
    'client.address': context.req.socket.remoteAddress,
    'user_agent.original': agent,
    ...kibanaVersion(agent),
  };
  const message = `${context.method} ${context.req.url} ${status}`;
  if (isHealth) {
    log.debug(fields, message);
  } else {
    log.info(fields, message);
  }
}

/** Kibana names its version: `Kibana/9.2.0 node-fetch`. */
function kibanaVersion(agent: string): Record<string, string> {
  const version = /^Kibana\/([\w.+-]+)/.exec(agent)?.[1];
  return version === undefined ? {} : { 'fleet_depot.kibana.version': version };
}

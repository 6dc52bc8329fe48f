import type { Context } from 'koa';
import type { Log } from '../../telemetry/log.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { Step } from '../application.ts';
import type { ClientAddress } from '../client-address.ts';

/** One line and one measure for each request, when its answer has gone out or the client has left. */
export function accessLog(
  log: Log,
  metrics: Pick<Metrics, 'requestStarted' | 'requestFinished'>,
  clientOf: ClientAddress,
): Step {
  return (context, next) => {
    const start = performance.now();
    const { req, res } = context;
    // Of an answer that takes longer than this turn: what the connection had taken before it.
    let writtenBefore: number | undefined;
    metrics.requestStarted();
    res.on('close', () => {
      const seconds = (performance.now() - start) / 1000;
      const sent = res.writableFinished;
      // 499: the client left before the end; nginx's number, since no standard has one.
      const status = sent ? res.statusCode : 499;
      const bytes = sentBytes(context, writtenBefore);
      metrics.requestFinished({
        status,
        method: req.method ?? '',
        route: context.state.route ?? 'unknown',
        seconds,
        requestBytes: Number(req.headers['content-length'] ?? 0),
        responseBytes: bytes,
      });
      write(log, context, clientOf(req), status, bytes, seconds);
    });
    const running = next(context);
    if (!res.writableEnded) {
      writtenBefore = req.socket.bytesWritten;
    }
    return running;
  };
}

/**
 * Bytes of the body that went out. Of an answer that was cut it is what the connection took since the request came, less
 * the head; that may be a little more than what the client saw.
 */
function sentBytes(context: Context, writtenBefore: number | undefined): number {
  const { req, res, state } = context;
  if (req.method === 'HEAD') {
    return 0;
  }
  if (res.writableFinished || writtenBefore === undefined) {
    return (state['sentBytes'] as number | undefined) ?? Number(res.getHeader('content-length') ?? 0);
  }
  return res.headersSent ? Math.max(0, req.socket.bytesWritten - writtenBefore - headBytes(context)) : 0;
}

/** About: names, values and line ends as Node writes them. */
function headBytes({ res }: Context): number {
  const lines = Object.entries(res.getHeaders()).flatMap(([name, value]) =>
    [value].flat().map((text) => name.length + String(text).length + 4),
  );
  return lines.reduce((sum, length) => sum + length, 0) + 100;
}

function write(
  log: Log,
  context: Context,
  address: string | undefined,
  status: number,
  bytes: number,
  seconds: number,
): void {
  const { req, state } = context;
  const path = state['path'] as string | undefined;
  log.request(path === '/health' ? 'debug' : 'info', {
    id: state['requestId'] as string,
    method: req.method ?? '',
    url: req.url ?? '',
    path,
    status,
    bytes,
    nanoseconds: Math.round(seconds * 1e9),
    address,
    agent: req.headers['user-agent'] ?? '',
  });
}

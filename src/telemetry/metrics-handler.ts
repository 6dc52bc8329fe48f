import type { RequestListener } from 'node:http';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

/** Answers `/metrics` for the metrics' own listener, and 404 for all else. */
export const createMetricsHandler =
  (metrics: Pick<Metrics, 'text' | 'contentType'>, log: Log): RequestListener =>
  (request, response) => {
    const finish = (
      status: number,
      type: string,
      body: string,
      headers: Record<string, string> = {},
    ): void => {
      response.writeHead(status, {
        ...headers,
        'Content-Type': type,
        'Content-Length': Buffer.byteLength(body),
      });
      response.end(request.method === 'HEAD' ? undefined : body);
    };
    const plain = 'text/plain; charset=utf-8';
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      finish(405, plain, 'method not allowed\n', { Allow: 'GET, HEAD' });
      return;
    }
    if (request.url?.split('?', 1)[0] !== '/metrics') {
      finish(404, plain, '404 page not found\n');
      return;
    }
    metrics.text().then(
      (text) => finish(200, metrics.contentType, text),
      (error: unknown) => {
        log.error({ err: error }, 'the metrics could not be written');
        finish(500, plain, 'internal server error\n');
      },
    );
  };

import type { Context } from 'koa';
import { encodePath } from './request-path.ts';

const safePrefix = /^(?:\/[\w.~-]+)+$/;

/**
 * Sends the client to another path of ours with the query kept. Behind a reverse proxy that strips a prefix an absolute
 * path would lead out of it, so it carries the configured prefix or the proxy's X-Forwarded-Prefix.
 */
export function redirect(context: Context, path: string, prefix: string): void {
  const mark = (context.req.url ?? '').indexOf('?');
  const query = mark < 0 ? '' : (context.req.url ?? '').slice(mark);
  context.status = 301;
  context.set('Location', forwardedPrefix(context, prefix) + encodePath(path) + query);
  context.body = '';
}

function forwardedPrefix(context: Context, prefix: string): string {
  const forwarded = context.req.headers['x-forwarded-prefix'];
  const text = typeof forwarded === 'string' ? forwarded.replace(/\/+$/, '') : '';
  return prefix === '' && safePrefix.test(text) ? text : prefix;
}

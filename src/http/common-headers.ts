import type { Context } from 'koa';

/** Headers of every answer: the request's id, any page may read the registry, and no browser guesses types. */
export function commonHeaders(context: Context): string[] {
  return [
    'X-Request-Id',
    context.state['requestId'] as string,
    'Access-Control-Allow-Origin',
    '*',
    'X-Content-Type-Options',
    'nosniff',
  ];
}

/** Sets them on an answer whose head is still to be written. */
export function setCommonHeaders(context: Context): void {
  const headers = commonHeaders(context);
  for (let at = 0; at < headers.length; at += 2) {
    context.res.setHeader(headers[at] ?? '', headers[at + 1] ?? '');
  }
}

import type { Middleware } from 'koa';
import type { RequestState } from './request-id.ts';

/** Headers of every answer: any page may read the registry, and no browser guesses types. */
export function securityHeaders(): Middleware<RequestState> {
  return (context, next) => {
    context.set('Access-Control-Allow-Origin', '*');
    context.set('X-Content-Type-Options', 'nosniff');
    return next();
  };
}

import type { Middleware } from 'koa';
import { DepotError } from '../../domain/errors.ts';
import type { RequestState } from './request-id.ts';

/** The registry is read only. */
export function methodGuard(): Middleware<RequestState> {
  return (context, next) => {
    if (context.method !== 'GET' && context.method !== 'HEAD') {
      throw new DepotError('METHOD_NOT_ALLOWED');
    }
    return next();
  };
}

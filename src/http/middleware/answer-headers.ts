import type { Middleware } from 'koa';
import { setCommonHeaders } from '../common-headers.ts';
import type { RequestState } from './request-id.ts';

/** Sets the headers of every answer on those that Koa writes; send writes them itself where it answers from memory. */
export function answerHeaders(): Middleware<RequestState> {
  return async (context, next) => {
    await next();
    if (context.respond !== false) {
      setCommonHeaders(context);
    }
  };
}

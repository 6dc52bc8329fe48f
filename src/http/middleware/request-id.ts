import { randomUUID } from 'node:crypto';
import type { Step } from '../application.ts';

const acceptable = /^[\w.:-]{1,128}$/;

/** Gives each request an id, that of the proxy in front where it sends one; the answer says it. */
export function requestId(): Step {
  return (context, next) => {
    const given = context.req.headers['x-request-id'];
    context.state.requestId = typeof given === 'string' && acceptable.test(given) ? given : randomUUID();
    return next(context);
  };
}

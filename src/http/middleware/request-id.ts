import { randomUUID } from 'node:crypto';
import type { Step } from '../application.ts';

/** What every request carries through the middlewares. */
export interface RequestState {
  requestId: string;
  /** Decoded and clean, without prefix; set by clean-path. */
  path: string;
  /** With its `?`, as it came; set by clean-path. */
  query: string;
  /** Bytes of a body that was answered from memory. */
  sentBytes: number | undefined;
  /** The template of the route that answered: `/package/:name/:version/`. */
  route: string | undefined;
}

const acceptable = /^[\w.:-]{1,128}$/;

/** Gives each request an id, that of the proxy in front where it sends one; the answer says it. */
export function requestId(): Step {
  return (context, next) => {
    const given = context.req.headers['x-request-id'];
    context.state.requestId = typeof given === 'string' && acceptable.test(given) ? given : randomUUID();
    return next(context);
  };
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import Koa from 'koa';
import type { ParameterizedContext } from 'koa';

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

/** What goes through the middlewares for one request. */
export type RequestContext = ParameterizedContext<RequestState>;

/**
 * A step on the way of a request, as Koa has them, with two differences. `next` gives a promise only where something has to be
 * waited for: what is answered from memory goes all the way without one. And it takes the context, so that the steps are tied
 * together once and not for each request.
 */
export type Step = (context: RequestContext, next: Rest) => void | Promise<void>;

/** The steps behind one. */
export type Rest = (context: RequestContext) => void | Promise<void>;

/** A Koa application over such steps. */
export interface Application {
  /** Adds the next step. */
  use(step: Step): void;
  /** The handler for Node's server. */
  callback(): (request: IncomingMessage, response: ServerResponse) => void;
}

/**
 * Makes the application. Koa makes each context and writes what the steps leave in it; its own run is passed by, which puts two
 * listeners and a promise for each step on every request, also where the answer has long gone out (`context.respond` is false).
 * `onError` is told of answers that could not be written.
 */
export function createApplication(onError: (error: Error) => void): Application {
  const koa = new Koa<RequestState>();
  koa.on('error', onError);
  const steps: Step[] = [];
  return {
    use: (step) => void steps.push(step),
    callback: () => {
      const run = chain(steps);
      return (request, response) => {
        const context = koa.createContext<RequestState>(request, response);
        response.statusCode = 404;
        try {
          const running = run(context);
          if (running) {
            running.then(
              () => finish(koa, context),
              (error: Error) => context.onerror(error),
            );
          } else {
            finish(koa, context);
          }
        } catch (error) {
          context.onerror(error as Error);
        }
      };
    },
  };
}

/** Each step calls the one behind it; no state of a request is kept beside its context. */
function chain(steps: readonly Step[]): (context: RequestContext) => void | Promise<void> {
  let run = (_context: RequestContext): void | Promise<void> => undefined;
  for (const step of steps.toReversed()) {
    const rest = run;
    run = (context) => step(context, rest);
  }
  return run;
}

/** Of the application only this is private in its types: it writes the body that stands in the context. */
interface Writer {
  handleRequest(context: RequestContext, run: () => Promise<void>): Promise<void>;
}

/** Lets Koa write what is still to be written. */
function finish(koa: Koa<RequestState>, context: RequestContext): void {
  if (context.respond === false) {
    return;
  }
  const { statusCode, statusMessage } = context.res;
  void (koa as unknown as Writer).handleRequest(context, async () => {
    // It began by forgetting the status.
    context.res.statusCode = statusCode;
    context.res.statusMessage = statusMessage;
  });
}

/** Runs `after` when `running` is over: at once where nothing has to be waited for. */
export function afterwards(running: void | Promise<void>, after: () => void): void | Promise<void> {
  return running ? running.then(after) : after();
}

import type { Context } from 'koa';
import { DepotError, type ErrorCode, messageOf } from '../../domain/errors.ts';
import type { Log } from '../../telemetry/log.ts';
import type { RequestContext, Step } from '../application.ts';

/** Turns what was thrown into the contract's plain text answers. A fault of ours is logged and says nothing of itself. */
export function errorResponse(log: Log): Step {
  const answer = (context: RequestContext, error: unknown): void => {
    const known = error instanceof DepotError && error.status !== 500 ? error : undefined;
    if (!known) {
      log.error(
        { err: error, 'http.request.id': context.state.requestId, 'url.path': context.state.path },
        messageOf(error),
      );
    }
    answerError(context, known ?? new DepotError('INTERNAL'));
  };
  return (context, next) => {
    try {
      return next(context)?.catch((error: unknown) => answer(context, error));
    } catch (error) {
      return answer(context, error);
    }
  };
}

/** Seconds after which a client may try again with success; 1 for every other 503. */
const retryAfter: Partial<Record<ErrorCode, string>> = {
  ARTIFACT_UNCHECKED: '30',
  ARTIFACTS_LOST: '30',
  PACKAGE_UNREADABLE: '30',
  CREDENTIALS_LIMITED: '60',
};

function answerError(context: Context, error: DepotError): void {
  for (const name of [
    'ETag',
    'Last-Modified',
    'Accept-Ranges',
    'Content-Encoding',
    'Content-Length',
    'Content-Range',
  ]) {
    context.remove(name);
  }
  context.status = error.status;
  context.body = `${error.message}\n`;
  context.set('Content-Type', 'text/plain; charset=utf-8');
  context.set('Cache-Control', ['max-age=0', 'private, no-store']);
  if (error.code === 'METHOD_NOT_ALLOWED') {
    context.set('Allow', 'GET, HEAD');
  }
  const seconds = retryAfter[error.code] ?? (error.status === 503 ? '1' : undefined);
  if (seconds !== undefined) {
    context.set('Retry-After', seconds);
  }
  if (error.code === 'CREDENTIALS_WANTED') {
    context.set('WWW-Authenticate', ['Basic realm="artifacts", charset="UTF-8"', 'ApiKey']);
  }
}

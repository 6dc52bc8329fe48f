import { DepotError } from '../../domain/errors.ts';
import type { Step } from '../application.ts';
import { createMemo } from '../memo.ts';
import { encodePath, readRequestPath } from '../request-path.ts';
import { redirect } from '../redirect.ts';

/**
 * Decodes the path once, takes the configured prefix off, and sends addresses with repeated slashes or dot segments to
 * the clean one: Kibana with a trailing slash in `registryUrl` asks `//search`.
 */
export function cleanPath(prefix: string): Step {
  const readTarget = createMemo((target) => readRequestPath(target, prefix));
  return (context, next) => {
    const read = readTarget(context.req.url ?? '/');
    if (!read) {
      throw new DepotError('REQUEST_INVALID');
    }
    context.state.path = read.path;
    context.state.query = read.query;
    if (!read.isClean) {
      redirect(context, read.path, prefix);
      return;
    }
    if (!read.isPlain) {
      // The router matches an encoded path.
      context.path = encodePath(read.path);
    }
    return next(context);
  };
}

import { DepotError } from '../../domain/errors.ts';
import type { Step } from '../application.ts';

/** The registry is read only. */
export function methodGuard(): Step {
  return (context, next) => {
    const { method } = context.req;
    if (method !== 'GET' && method !== 'HEAD') {
      throw new DepotError('METHOD_NOT_ALLOWED');
    }
    return next(context);
  };
}

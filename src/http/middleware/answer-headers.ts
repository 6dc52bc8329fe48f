import { afterwards, type Step } from '../application.ts';
import { setCommonHeaders } from '../common-headers.ts';

/** Sets the headers of every answer on those that Koa writes; send writes them itself where it answers from memory. */
export function answerHeaders(): Step {
  return (context, next) =>
    afterwards(next(context), () => {
      if (context.respond !== false) {
        setCommonHeaders(context);
      }
    });
}

import { DepotError } from '../../domain/errors.ts';
import type { HttpAnswer } from '../../net/http.ts';
import { dismiss, showUrl } from '../../net/http.ts';

/** Where in the part the body belongs; undefined if the part can't be continued with this answer. Throws for other answers. */
export function placeOfBody(
  answer: HttpAnswer,
  resumed: { readonly have: number; readonly total: number } | undefined,
): number | undefined {
  const { status, headers } = answer;
  if (resumed && status === 206) {
    const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers['content-range'] ?? '');
    if (range && Number(range[1]) === resumed.have && Number(range[3]) === resumed.total) {
      return resumed.have;
    }
    dismiss(answer);
    return undefined;
  }
  if (resumed && status === 416) {
    dismiss(answer);
    return undefined;
  }
  const refuse = (reason: string): never => {
    dismiss(answer);
    throw answerFault(answer, reason);
  };
  if (status === 404) {
    refuse('the upstream does not have it (404)');
  }
  if (status !== 200) {
    refuse(`the server answered ${status}`);
  }
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') {
    refuse(`it came with Content-Encoding ${encoding}, which an archive never has`);
  }
  const type = (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  // Not `text/plain`: a bare web server calls every file so. What is no archive is found by the check.
  if (type === 'text/html' || type === 'application/json') {
    refuse(`the server sent ${type}, not an archive`);
  }
  return 0;
}

/** What is wrong with an answer. */
export const answerFault = (answer: HttpAnswer, reason: string, cause?: unknown): DepotError =>
  new DepotError('UPSTREAM_ANSWER', { url: showUrl(answer.url), reason }, cause);

import { DepotError } from '../../domain/errors.ts';
import { Transient, type HttpAnswer } from '../../net/http.ts';
import { answerFault } from './archive-answer.ts';

/** A body that ended properly, and too soon. */
export class ShortBody extends Error {
  constructor(came: number, announced: number) {
    super(`${came} bytes came, ${announced} were announced`);
  }
}

/** What it means that a body ended in the middle, after `size` bytes: the run was ended, or another attempt may bring the rest. */
export function cutFault(
  answer: HttpAnswer,
  size: number,
  signal: AbortSignal | undefined,
  error: unknown,
): DepotError | Transient {
  if (signal?.aborted) {
    return new DepotError('INTERRUPTED', {}, error);
  }
  const what =
    error instanceof ShortBody ? error.message : `the connection was cut or stalled after ${size} bytes`;
  return new Transient(answerFault(answer, what, error));
}

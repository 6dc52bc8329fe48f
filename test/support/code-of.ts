import type { ExecutionContext } from 'ava';
import { DepotError } from '../../src/domain/errors.ts';

/** The code of the error that something ends with. */
export const codeOf = async (t: ExecutionContext, promise: Promise<unknown>): Promise<string | undefined> =>
  (await t.throwsAsync(promise, { instanceOf: DepotError }))?.code;

import { DepotError, type ErrorCode } from '../domain/errors.ts';

/**
 * What is indexed but gone by now is absent, not broken: 404, and the index is asked to look. Everything else goes up
 * as it is.
 */
export async function foundOr<T>(code: ErrorCode, refresh: () => void, opening: Promise<T>): Promise<T> {
  try {
    return await opening;
  } catch (error) {
    if (isMissing(error)) {
      refresh();
      throw new DepotError(code, {}, error);
    }
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  const cause = error instanceof DepotError ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
}

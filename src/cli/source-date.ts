import { DepotError } from '../domain/errors.ts';

/**
 * The time that what is made shall say of itself, from `SOURCE_DATE_EPOCH`, as
 * https://reproducible-builds.org/specs/source-date-epoch/ has it. Undefined where it is not set. Throws USAGE.
 */
export const readSourceDate = (env: NodeJS.ProcessEnv): Date | undefined => {
  const text = env['SOURCE_DATE_EPOCH'];
  if (text === undefined || text === '') {
    return undefined;
  }
  if (!/^\d{1,10}$/.test(text)) {
    throw new DepotError('USAGE', {
      reason: `SOURCE_DATE_EPOCH must be seconds since 1970, not '${text}'`,
    });
  }
  return new Date(Number(text) * 1000);
};

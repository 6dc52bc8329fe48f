import { DepotError } from '../domain/errors.ts';

/** LIMIT_EXCEEDED for a count of things: "the number of entries is 200000, the limit is 65535". */
export const tooMany = (what: string, value: number | string, limit: number): DepotError =>
  new DepotError('LIMIT_EXCEEDED', { what, value, limit });

/** LIMIT_EXCEEDED for a size: "the size of entry "x" is 5000001 bytes, the limit is 5000000 bytes". */
export const tooLarge = (what: string, value: number | string, limit: number): DepotError =>
  new DepotError('LIMIT_EXCEEDED', { what, value: `${value} bytes`, limit: `${limit} bytes` });

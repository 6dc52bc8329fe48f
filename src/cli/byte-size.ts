import { DepotError } from '../domain/errors.ts';

const units = new Map([
  ['', 1],
  ['b', 1],
  ['kb', 1000],
  ['mb', 1000 ** 2],
  ['gb', 1000 ** 3],
  ['tb', 1000 ** 4],
  ['kib', 1024],
  ['mib', 1024 ** 2],
  ['gib', 1024 ** 3],
  ['tib', 1024 ** 4],
]);

/** Reads a size such as `4GiB`, `700MB` or `1048576`. Throws DepotError USAGE that names the flag. */
export const parseByteSize = (flag: string, text: string): number => {
  const parts = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  const unit = units.get((parts?.[2] ?? '?').toLowerCase());
  const bytes = Math.floor(Number(parts?.[1]) * (unit ?? Number.NaN));
  if (!Number.isSafeInteger(bytes) || bytes <= 0) {
    throw new DepotError('USAGE', { reason: `${flag} takes a size such as 4GiB or 700MB, not "${text}"` });
  }
  return bytes;
};

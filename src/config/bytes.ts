import { DepotError } from '../domain/errors.ts';

const unitBytes: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  t: 1024 ** 4,
  kb: 1000,
  mb: 1000 ** 2,
  gb: 1000 ** 3,
  tb: 1000 ** 4,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
};

/**
 * Whole bytes of a size: "64MiB", "1.5 GiB", "512KB" (powers of 1000), "1048576". A single letter ("64M") is a power of 1024,
 * as Docker and nginx read it. Throws DepotError VALUE_INVALID.
 */
export const parseBytes = (text: string): number => {
  const match = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text);
  const unit = unitBytes[(match?.[2] ?? '').toLowerCase()];
  if (match === null || unit === undefined) {
    throw new DepotError('VALUE_INVALID', {
      reason: `'${text}' is not a size such as 64MiB, 512KB or 1048576`,
    });
  }
  const bytes = Math.round(Number(match[1]) * unit);
  if (!Number.isSafeInteger(bytes)) {
    throw new DepotError('VALUE_INVALID', { reason: `'${text}' is more bytes than any file has` });
  }
  return bytes;
};

/** A size with the largest binary unit that keeps it short: 67108864 is "64MiB". */
export const formatBytes = (bytes: number): string => {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let step = 0;
  while (value >= 1024 && step < units.length - 1) {
    value /= 1024;
    step += 1;
  }
  return `${Number.isInteger(value) ? value : value.toFixed(1)}${units[step]}`;
};

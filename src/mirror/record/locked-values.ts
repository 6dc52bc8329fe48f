/** Whether a value of a lock file is a digest of that many hex digits, in lower case. */
export const isHex = (value: unknown, digits: number): value is string =>
  typeof value === 'string' && value.length === digits && /^[0-9a-f]+$/.test(value);

/** Whether it is a fingerprint of an OpenPGP key. */
export const isFingerprint = (value: unknown): value is string =>
  typeof value === 'string' && /^(?:[0-9A-F]{40}|[0-9A-F]{64})$/.test(value);

/** Whether it is a number of bytes. */
export const isSize = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

/** Whether it is an address that something can be fetched from. */
export const isAddress = (value: unknown): value is string =>
  typeof value === 'string' && /^https?:/.test(value) && URL.canParse(value);

/**
 * Reads a fingerprint as people write it: any case, with or without spaces, colons or `0x`. Undefined where it isn't
 * a full one (40 digits, or 64 for version 6): a key id of 8 or 16 digits can be forged and is never enough.
 */
export const parseFingerprint = (text: string): string | undefined => {
  const digits = text.trim().replace(/^0x/i, '').replace(/[\s:]/g, '').toUpperCase();
  return /^(?:[0-9A-F]{40}|[0-9A-F]{64})$/.test(digits) ? digits : undefined;
};

/** A fingerprint in groups of four, so that people can compare it. */
export const formatFingerprint = (fingerprint: string): string => fingerprint.replace(/(.{4})(?!$)/g, '$1 ');

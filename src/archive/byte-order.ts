const surrogate = /[\ud800-\udfff]/;

/** Orders texts as their UTF-8 bytes, which is Go's order; JavaScript's own differs for characters above U+FFFF. */
export const compareBytes = (a: string, b: string): number => {
  if (a === b) {
    return 0;
  }
  if (surrogate.test(a) || surrogate.test(b)) {
    return Buffer.compare(Buffer.from(a), Buffer.from(b));
  }
  return a < b ? -1 : 1;
};

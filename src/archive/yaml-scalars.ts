/** What YAML text can hold here. Whole numbers from a million on are bigints unless they are floats; dates stay text. */
export type YamlValue = YamlScalar | YamlValue[] | { [key: string]: YamlValue };

type YamlScalar = null | boolean | number | bigint | string;

const booleans: Readonly<Record<string, boolean>> = Object.fromEntries([
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'].map((word) => [word, true]),
  ...['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'].map((word) => [
    word,
    false,
  ]),
]);

const nulls: ReadonlySet<string> = new Set(['', '~', 'null', 'Null', 'NULL']);

/** What begins the words and numbers that are not text. */
const special = /^[-+.0-9~nNyYtTfFoO]/;

export const isNull = (text: string): boolean => nulls.has(text);

export const parseBoolean = (text: string): boolean | undefined =>
  Object.hasOwn(booleans, text) ? booleans[text] : undefined;

/** What a scalar without quotes is to Go's yaml.v2 (YAML 1.1). */
export function resolveScalar(text: string): YamlScalar {
  if (!special.test(text)) {
    return text === '' ? null : text;
  }
  return isNull(text) ? null : (parseBoolean(text) ?? parseInteger(text) ?? parseFloating(text) ?? text);
}

const integer = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[oO]?([0-7]+)|0[bB]([01]+)|(0|[1-9][0-9]*))$/;

// Up to here Go writes a float as it writes an integer.
const maxSmall = 999_999;

/**
 * Go's ParseInt with base 0, after underscores are dropped; within int64 and uint64. A large one is a bigint, since Go writes
 * a float of that size with an exponent and an integer never, and since not every one fits a number.
 */
export function parseInteger(text: string): number | bigint | undefined {
  const match = integer.exec(text.includes('_') ? text.replaceAll('_', '') : text);
  if (!match) {
    return undefined;
  }
  const [, sign, hex, octal, binary, decimal] = match;
  const literal = hex ? `0x${hex}` : octal ? `0o${octal}` : binary ? `0b${binary}` : (decimal ?? '0');
  const small = Number(literal);
  if (small <= maxSmall) {
    return sign === '-' ? 0 - small : small;
  }
  const exact = sign === '-' ? -BigInt(literal) : BigInt(literal);
  return exact >= -(2n ** 63n) && exact < 2n ** 64n ? exact : undefined;
}

const decimalFloat = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;

export function parseFloating(text: string): number | undefined {
  if (/^[-+]?\.(?:inf|Inf|INF)$/.test(text)) {
    return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  if (/^\.(?:nan|NaN|NAN)$/.test(text)) {
    return Number.NaN;
  }
  const plain = text.includes('_') ? text.replaceAll('_', '') : text;
  const value = decimalFloat.test(plain) ? Number(plain) : Number.NaN;
  // One that no float can hold stays text.
  return Number.isFinite(value) ? value : undefined;
}

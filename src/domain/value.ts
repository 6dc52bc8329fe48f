import type { Tree } from './tree.ts';

// Go's strconv.ParseBool, as for texts in quotes; without quotes YAML has more words.
const flagWords = new Map([
  ...['1', 't', 'T', 'true', 'TRUE', 'True'].map((word) => [word, true] as const),
  ...['0', 'f', 'F', 'false', 'FALSE', 'False'].map((word) => [word, false] as const),
]);

/** What a text in quotes is where true or false is wanted; undefined for any other. */
export function flagOf(text: string): boolean | undefined {
  return flagWords.get(text);
}

/** The text that a scalar is where text is wanted; undefined for a mapping or list, and for null. */
export function textOf(value: Tree): string | undefined {
  if (typeof value === 'object') {
    return undefined;
  }
  return typeof value === 'number' ? numberText(value) : String(value);
}

/**
 * As Go prints a float (`%g`): six digits before the point at most, else with an exponent of two digits or more. Whole numbers of
 * more digits that aren't floats come as bigints.
 */
function numberText(value: number): string {
  if (Object.is(value, -0)) {
    return '-0';
  }
  if (Number.isNaN(value)) {
    return 'NaN';
  }
  if (!Number.isFinite(value)) {
    return value > 0 ? '+Inf' : '-Inf';
  }
  const [digits = '', exponent = ''] = value.toExponential().split('e');
  const power = Number(exponent);
  if (power >= -4 && power < 6) {
    return String(value);
  }
  return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}

/** Whether a number in it is one that JSON can't write. */
export function hasEndless(value: Tree): boolean {
  return typeof value === 'object' && value !== null
    ? Object.values(value).some(hasEndless)
    : typeof value === 'number' && !Number.isFinite(value);
}

/** A value in words, for a message. */
export function kindOf(value: Tree): string {
  if (value === null) {
    return 'empty';
  }
  if (Array.isArray(value)) {
    return 'a list';
  }
  return typeof value === 'object'
    ? 'a mapping'
    : typeof value === 'string'
      ? `the text "${value}"`
      : `${value}`;
}

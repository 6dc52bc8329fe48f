import type { ProblemList } from './problem.ts';
import type { Tree, TreeMap } from './tree.ts';
import { isMap, numbered } from './tree.ts';

/**
 * Typed reading of one mapping of a manifest. Values are converted as the reference's configuration library does
 * (a number where text is wanted becomes text, a scalar where a list is wanted a list of one, null is absent);
 * what can't be converted is a `broken` problem that names file and field, and reads as absent.
 */
export interface Fields {
  readonly file: string;
  /** Where this mapping stands: `policy_templates[0].inputs[1]`, empty for the root. */
  readonly at: string;
  /** The name of a field for a message: `policy_templates[0].title`. */
  name(key: string): string;
  has(key: string): boolean;
  /** Empty where absent. */
  text(key: string): string;
  /** Text that must be there: a `broken` problem where it is absent or empty. */
  required(key: string): string;
  flag(key: string): boolean | undefined;
  texts(key: string): string[];
  /** As it stands, null included; undefined where absent. */
  raw(key: string): Tree | undefined;
  map(key: string): Fields | undefined;
  /** The mappings of a list; entries of another kind are problems. */
  list(key: string): Fields[];
  /** Records a problem at this mapping. */
  broken(reason: string): void;
  invalid(reason: string): void;
}

/** Reads `tree` (a mapping whose dotted keys are expanded) of `file`, reporting to `problems`. */
export function readFields(tree: TreeMap, file: string, problems: ProblemList, at = ''): Fields {
  const name = (key: string): string => (at === '' ? key : `${at}.${key}`);
  const raw = (key: string): Tree | undefined => (Object.hasOwn(tree, key) ? tree[key] : undefined);
  const wrong = (key: string, wanted: string, value: Tree): void =>
    problems.broken(file, `${name(key)} is ${kindOf(value)}, ${wanted} is wanted`);
  const elements = (key: string): Tree[] => {
    const value = raw(key) ?? [];
    // A mapping has the elements that its keys number, of which most have none.
    const list = isMap(value) ? (numbered(value) ?? []) : value;
    return Array.isArray(list) ? list : [list];
  };
  const text = (key: string): string => {
    const value = raw(key);
    if (value === undefined || value === null) {
      return '';
    }
    const converted = toText(value);
    if (converted === undefined) {
      wrong(key, 'text', value);
    }
    return converted ?? '';
  };
  return {
    file,
    at,
    name,
    raw,
    text,
    has: (key) => (raw(key) ?? null) !== null,
    required: (key) => {
      const value = text(key);
      if (value === '') {
        problems.broken(file, `${name(key)} is missing or empty`);
      }
      return value;
    },
    flag: (key) => {
      const value = raw(key) ?? undefined;
      const converted = typeof value === 'string' ? flagWords.get(value) : value;
      if (converted !== undefined && typeof converted !== 'boolean') {
        wrong(key, 'true or false', converted);
        return undefined;
      }
      if (typeof value === 'string' && converted === undefined) {
        wrong(key, 'true or false', value);
      }
      return converted;
    },
    texts: (key) =>
      elements(key).flatMap((value, index) => {
        const converted = value === null ? '' : toText(value);
        if (converted === undefined) {
          wrong(`${key}[${index}]`, 'text', value);
        }
        return converted ?? [];
      }),
    map: (key) => {
      const value = raw(key) ?? undefined;
      if (typeof value === 'object') {
        // A list is a mapping that has none of the wanted keys.
        return readFields(isMap(value) ? value : {}, file, problems, name(key));
      }
      if (value === undefined) {
        return undefined;
      }
      wrong(key, 'a mapping', value);
      return undefined;
    },
    list: (key) =>
      elements(key).flatMap((value, index) => {
        const place = `${key}[${index}]`;
        if (typeof value === 'object') {
          return readFields(isMap(value) ? value : {}, file, problems, name(place));
        }
        wrong(place, 'a mapping', value);
        return [];
      }),
    broken: (reason) => problems.broken(file, reason),
    invalid: (reason) => problems.invalid(file, reason),
  };
}

const flagWords = new Map([
  ...['1', 't', 'T', 'true', 'TRUE', 'True', 'on'].map((word) => [word, true] as const),
  ...['0', 'f', 'F', 'false', 'FALSE', 'False', 'off'].map((word) => [word, false] as const),
]);

function toText(value: Tree): string | undefined {
  if (typeof value === 'object') {
    return undefined;
  }
  return typeof value === 'number' && !Number.isSafeInteger(value) ? floatText(value) : String(value);
}

/** As Go prints a float (`%g`): six digits before the point at most, else with an exponent of two digits or more. */
function floatText(value: number): string {
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

function kindOf(value: Tree): string {
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

import type { Json } from './json.ts';
import { sortKeys } from './json.ts';
import type { ProblemList } from './problem.ts';
import type { Tree, TreeMap } from './tree.ts';
import { freeValue, isMap, listPart, mapOf, namedPart } from './tree.ts';
import { flagOf, hasEndless, kindOf, textOf } from './value.ts';

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
  /** Empty where absent. */
  text(key: string): string;
  /** Undefined where absent, which an empty text is not. */
  optional(key: string): string | undefined;
  /** Text that must be there: a `broken` problem where it is absent or empty. */
  required(key: string): string;
  flag(key: string): boolean | undefined;
  texts(key: string): string[];
  /** A value of any kind, printed with sorted keys; undefined where it is absent or an empty mapping. */
  free(key: string): Json;
  /** A mapping of values of any kind, printed with sorted keys; nulls at its top are left out, and so is one of nothing else. */
  freeMap(key: string): Json;
  map(key: string): Fields | undefined;
  /** A mapping that the reference names with a dot (`index_template.settings`): where it is none, what it would hold is absent. */
  below(key: string): Fields | undefined;
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
    const list = isMap(value) ? listPart(value) : value;
    return Array.isArray(list) ? list : [list];
  };
  const inner = (key: string, value: Tree): Fields =>
    // A list is a mapping that has none of the wanted keys.
    readFields(isMap(value) ? value : {}, file, problems, name(key));
  const printable = (key: string, value: Tree): Json => {
    if (hasEndless(value)) {
      problems.broken(file, `${name(key)} has a number that no JSON can hold (.inf or .nan)`);
      return undefined;
    }
    return sortKeys(value) ?? undefined;
  };
  const text = (key: string): string => {
    const value = raw(key);
    if (value === undefined || value === null) {
      return '';
    }
    const converted = textOf(value);
    if (converted === undefined) {
      wrong(key, 'text', value);
    }
    return converted ?? '';
  };
  const texts = (key: string): string[] =>
    elements(key).flatMap((value, index) => {
      const converted = value === null ? '' : textOf(value);
      if (converted === undefined) {
        wrong(`${key}[${index}]`, 'text', value);
      }
      return converted ?? [];
    });
  return {
    file,
    at,
    name,
    text,
    texts,
    optional: (key) => ((raw(key) ?? null) === null ? undefined : text(key)),
    required: (key) => {
      const value = text(key);
      if (value === '') {
        problems.broken(file, `${name(key)} is missing or empty`);
      }
      return value;
    },
    flag: (key) => {
      const value = raw(key) ?? undefined;
      const converted = typeof value === 'string' ? flagOf(value) : value;
      if (converted !== undefined && typeof converted !== 'boolean') {
        wrong(key, 'true or false', converted);
        return undefined;
      }
      if (typeof value === 'string' && converted === undefined) {
        wrong(key, 'true or false', value);
      }
      return converted;
    },
    free: (key) => printable(key, freeValue(raw(key) ?? null)),
    freeMap: (key) => {
      const value = raw(key) ?? null;
      if (value !== null && typeof value !== 'object') {
        wrong(key, 'a mapping', value);
      }
      const entries = isMap(value) ? namedPart(value) : [];
      const kept = entries
        .map(([inside, child]) => [inside, freeValue(child)] as const)
        .filter(([, child]) => child !== null);
      return kept.length > 0 ? printable(key, mapOf(kept)) : undefined;
    },
    map: (key) => {
      const value = raw(key) ?? undefined;
      if (value !== undefined && typeof value !== 'object') {
        wrong(key, 'a mapping', value);
        return undefined;
      }
      return value && inner(key, value);
    },
    below: (key) => {
      const value = raw(key);
      return isMap(value) ? inner(key, value) : undefined;
    },
    list: (key) =>
      elements(key).flatMap((value, index) => {
        const place = `${key}[${index}]`;
        if (typeof value === 'object') {
          return inner(place, value ?? {});
        }
        wrong(place, 'a mapping', value);
        return [];
      }),
    broken: (reason) => problems.broken(file, reason),
    invalid: (reason) => problems.invalid(file, reason),
  };
}

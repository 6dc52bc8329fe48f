import { DepotError } from './errors.ts';
/** A decoded YAML or JSON value. The domain knows no parser: archive/yaml.ts and JSON.parse give this shape. */
export type Tree = null | boolean | number | bigint | string | Tree[] | TreeMap;

/** A mapping; keys in the order of the file. */
export interface TreeMap {
  [key: string]: Tree;
}

/** True for a mapping (not a list, not a scalar). */
export function isMap(value: Tree | undefined): value is TreeMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const maxLevels = 100;
const maxKeyParts = 100_000;

/**
 * Dotted keys are paths: `kibana.version: x` becomes `kibana: {version: x}`, at every depth, merged with what stands
 * there already. The reference reads its manifests through a configuration library that does so, and packages rely on it.
 * Throws YAML_INVALID for more than 100 levels, and for keys that make more than 100,000 in all.
 */
export function expandDottedKeys(value: Tree): Tree {
  let left = maxKeyParts;
  const expand = (inner: Tree, level: number): Tree => {
    if (Array.isArray(inner)) {
      return inner.map((child) => expand(child, level + 1));
    }
    if (!isMap(inner)) {
      return inner;
    }
    const result: TreeMap = {};
    for (const [key, child] of Object.entries(inner)) {
      // Counted before it is split: a key may have a million dots.
      const dots = key.includes('.') ? countDots(key) : 0;
      left -= dots;
      if (dots > 0 && (level + dots > maxLevels || left < 0)) {
        const short = key.length > 40 ? `${key.slice(0, 40)}…` : key;
        const reason =
          left < 0
            ? `keys with dots make more than ${maxKeyParts} mappings`
            : `the key "${short}" is nested more than ${maxLevels} levels`;
        throw new DepotError('YAML_INVALID', { reason });
      }
      place(result, dots > 0 ? key.split('.') : [key], expand(child, level + dots + 1));
    }
    return result;
  };
  return expand(value, 1);
}

function countDots(key: string): number {
  let dots = 0;
  for (let at = key.indexOf('.'); at >= 0; at = key.indexOf('.', at + 1)) {
    dots++;
  }
  return dots;
}

function place(target: TreeMap, path: readonly string[], value: Tree): void {
  const [head = '', ...rest] = path;
  const there = Object.hasOwn(target, head) ? target[head] : undefined;
  if (rest.length > 0) {
    const inner = isMap(there) ? there : {};
    place(inner, rest, value);
    set(target, head, inner);
  } else if (isMap(there) && isMap(value)) {
    for (const [key, child] of Object.entries(value)) {
      place(there, [key], child);
    }
  } else if (value !== null || there === undefined) {
    set(target, head, value);
  }
}

const maxIndex = 1024;

/**
 * The list that a mapping is whose keys are all numbers (`{"0": a, "1": b}`, which `x.0: a` and `x.1: b` are too), with null
 * where none stands; undefined for any other. The reference's library doesn't tell the two apart.
 */
export function numbered(map: TreeMap): Tree[] | undefined {
  const keys = Object.keys(map);
  if (keys.length === 0 || keys.length > maxIndex || !keys.every((key) => /^\d{1,4}$/.test(key))) {
    return undefined;
  }
  const length = 1 + Math.max(...keys.map(Number));
  // A short text must not become a long list.
  return length > 8 + 2 * keys.length || length > maxIndex
    ? undefined
    : Array.from({ length }, (_, index) => map[index] ?? null);
}

/** A free value as the reference reads it: a mapping with nothing in it is null, one with numbers for keys is a list. */
export function freeValue(value: Tree): Tree {
  if (Array.isArray(value)) {
    return value.map(freeValue);
  }
  if (!isMap(value)) {
    return value;
  }
  const list = numbered(value);
  if (list) {
    return list.map(freeValue);
  }
  const entries = Object.entries(value).map(([key, child]) => [key, freeValue(child)] as const);
  return entries.length > 0 ? Object.fromEntries(entries) : null;
}

/** Plain assignment, but `__proto__` stays an ordinary key. */
function set(target: TreeMap, key: string, value: Tree): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

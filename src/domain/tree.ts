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

/**
 * Dotted keys are paths: `kibana.version: x` becomes `kibana: {version: x}`, at every depth, merged with what stands
 * there already. The reference reads its manifests through a configuration library that does so, and packages rely on it.
 */
export function expandDottedKeys(value: Tree): Tree {
  if (Array.isArray(value)) {
    return value.map(expandDottedKeys);
  }
  if (!isMap(value)) {
    return value;
  }
  const result: TreeMap = {};
  for (const [key, child] of Object.entries(value)) {
    place(result, key.split('.'), expandDottedKeys(child));
  }
  return result;
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
  if (keys.length === 0 || !keys.every((key) => /^\d{1,4}$/.test(key) && Number(key) <= maxIndex)) {
    return undefined;
  }
  return Array.from({ length: 1 + Math.max(...keys.map(Number)) }, (_, index) => map[index] ?? null);
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

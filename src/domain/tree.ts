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
  } else {
    set(target, head, value);
  }
}

/** Plain assignment, but `__proto__` stays an ordinary key. */
function set(target: TreeMap, key: string, value: Tree): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

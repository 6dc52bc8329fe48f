import { DepotError } from './errors.ts';
import type { Tree, TreeMap } from './tree.ts';
import { isMap, keyIndex, mapOf, mayBeIndex } from './tree.ts';

const maxLevels = 100;
const maxKeyParts = 100_000;

/** A mapping or list while keys are placed: what has a name and what has a number are held apart, and may both be there. */
interface Node {
  readonly named: Map<string, Value>;
  list: Value[] | undefined;
}

type Scalar = Exclude<Tree, Tree[] | TreeMap>;
type Value = Scalar | Node;

const isNode = (value: Value | undefined): value is Node => typeof value === 'object' && value !== null;

const refuse = (reason: string): never => {
  throw new DepotError('YAML_INVALID', { reason });
};

/**
 * Dotted keys are paths: `kibana.version: x` becomes `kibana: {version: x}`, at every depth, merged with what stands
 * there already, and keys that are numbers are places in a list. The reference reads its manifests through a configuration
 * library that does so, and packages rely on it. Throws YAML_INVALID for two values in one place, for more than 100 levels, and
 * for keys that make more than 100,000 mappings or empty places in all.
 */
export function expandDottedKeys(tree: Tree): Tree {
  if (!hasPaths(tree)) {
    return tree;
  }
  let left = maxKeyParts;
  const spend = (parts: number, what: string): void => {
    left -= parts;
    if (left < 0) {
      refuse(`${what} make more than ${maxKeyParts} mappings or places`);
    }
  };

  const read = (value: Tree, level: number): Value => {
    if (Array.isArray(value)) {
      return { named: new Map(), list: value.map((child) => read(child, level + 1)) };
    }
    if (!isMap(value)) {
      return value;
    }
    const node: Node = { named: new Map(), list: undefined };
    for (const [key, child] of Object.entries(value)) {
      // Counted before it is split: a key may have a million dots.
      const dots = countDots(key);
      spend(dots, 'keys with dots');
      if (dots > 0 && level + dots > maxLevels) {
        refuse(`the key "${shorten(key)}" is nested more than ${maxLevels} levels`);
      }
      place(node, key, read(child, level + dots + 1));
    }
    return node;
  };

  const set = (node: Node, part: string, value: Value): void => {
    const index = keyIndex(part);
    if (index === undefined) {
      node.named.set(part, value);
      return;
    }
    const list = (node.list ??= []);
    if (index > list.length) {
      spend(index - list.length, 'keys that are numbers');
      list.push(...Array.from({ length: index - list.length }, () => null));
    }
    list[index] = value;
  };

  const place = (root: Node, key: string, value: Value): void => {
    const parts = key.includes('.') ? key.split('.') : [key];
    const last = parts.pop() ?? '';
    let node = root;
    for (const part of parts) {
      let next = get(node, part) ?? null;
      if (next === null) {
        next = { named: new Map(), list: undefined };
        set(node, part, next);
      }
      node = isNode(next)
        ? next
        : refuse(`the key "${shorten(key)}" goes through "${part}", which is a value`);
    }
    const before = get(node, last) ?? null;
    if (before === null) {
      set(node, last, value);
    } else if (isNode(before) && isNode(value)) {
      merge(before, value);
    } else if (value !== null) {
      refuse(`the key "${shorten(key)}" is there twice`);
    }
  };

  return finish(read(tree, 1));
}

/** Whether a key is more than the name of its value. */
function hasPaths(value: Tree): boolean {
  if (typeof value !== 'object' || value === null) {
    return false;
  }
  if (Array.isArray(value)) {
    return value.some(hasPaths);
  }
  for (const key in value) {
    if (key.includes('.') || mayBeIndex.test(key) || hasPaths(value[key] ?? null)) {
      return true;
    }
  }
  return false;
}

function countDots(key: string): number {
  let dots = 0;
  for (let at = key.indexOf('.'); at >= 0; at = key.indexOf('.', at + 1)) {
    dots++;
  }
  return dots;
}

const shorten = (key: string): string => (key.length > 40 ? `${key.slice(0, 40)}…` : key);

function get(node: Node, part: string): Value | undefined {
  const index = keyIndex(part);
  return index === undefined ? node.named.get(part) : node.list?.[index];
}

/** Of two mappings or lists in one place the second wins where both have something. */
function merge(to: Node, from: Node): void {
  for (const [key, value] of from.named) {
    to.named.set(key, merged(to.named.get(key), value));
  }
  for (const [index, value] of (from.list ?? []).entries()) {
    to.list ??= [];
    to.list[index] = merged(to.list[index], value);
  }
}

function merged(before: Value | undefined, value: Value): Value {
  if (isNode(before) && isNode(value)) {
    merge(before, value);
    return before;
  }
  return isNode(before) && value === null ? before : value;
}

function finish(value: Value): Tree {
  if (!isNode(value)) {
    return value;
  }
  const { named, list } = value;
  const elements = list?.map(finish) ?? [];
  if (named.size === 0) {
    return list ? elements : {};
  }
  const entries = [...named].map(([key, child]) => [key, finish(child)] as const);
  return mapOf([...entries, ...elements.map((child, index) => [String(index), child] as const)]);
}

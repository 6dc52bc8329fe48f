import type { YamlEntry, YamlNode } from './yaml-tree.ts';
import { nearestWord, relatedWord } from './suggestion.ts';

/** Something wrong in a definition. */
export interface Problem {
  readonly line: number;
  readonly reason: string;
}

/** Notes a problem and goes on, so that one run shows all of them. */
export type Complain = (line: number, reason: string) => void;

/** The entries of a mapping by key; unknown keys are problems with a suggestion. A null counts as an empty mapping. */
export function readFields<Key extends string>(
  node: YamlNode,
  what: string,
  known: readonly Key[],
  complain: Complain,
): ReadonlyMap<Key, YamlEntry> {
  const fields = new Map<Key, YamlEntry>();
  if (node.kind === 'scalar' && node.isNull) {
    return fields;
  }
  if (node.kind !== 'mapping') {
    complain(node.line, `${what} must be a mapping (key: value), not ${nameOf(node)}`);
    return fields;
  }
  for (const entry of node.entries) {
    const key = known.find((one) => one === entry.key);
    if (key !== undefined) {
      fields.set(key, entry);
    } else {
      complain(entry.line, unknownText('key', entry.key, known, entry.line));
    }
  }
  return fields;
}

/** "unknown key 'querys' at line 3: did you mean 'queries'?" */
export function unknownText(what: string, word: string, known: readonly string[], line: number): string {
  const near = nearestWord(word, known) ?? relatedWord(word, known);
  const hint = near === undefined ? `known are ${known.join(', ')}` : `did you mean '${near}'?`;
  return `unknown ${what} '${word}' at line ${line}: ${hint}`;
}

/** The items of a sequence; a null counts as none. */
export function readItems(entry: YamlEntry | undefined, complain: Complain): readonly YamlNode[] {
  const node = entry?.value;
  if (!entry || !node || (node.kind === 'scalar' && node.isNull)) {
    return [];
  }
  if (node.kind === 'sequence') {
    return node.items;
  }
  complain(node.line, `'${entry.key}' must be a list, not ${nameOf(node)}`);
  return [];
}

/** The text of a scalar; undefined where it is absent, null or something else. */
export function readText(entry: YamlEntry | undefined, complain: Complain): string | undefined {
  const node = entry?.value;
  if (!entry || !node || (node.kind === 'scalar' && node.isNull)) {
    return undefined;
  }
  if (node.kind === 'scalar') {
    return node.text;
  }
  complain(node.line, `'${entry.key}' must be a text, not ${nameOf(node)}`);
  return undefined;
}

const booleans: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['True', true],
  ['TRUE', true],
  ['false', false],
  ['False', false],
  ['FALSE', false],
]);

/** `true` or `false`; with `lenient` also YAML 1.1's other words (`yes`, `on` …), as Go's yaml.v3 reads booleans. */
export function readBoolean(
  entry: YamlEntry | undefined,
  complain: Complain,
  lenient = false,
): boolean | undefined {
  const text = readText(entry, complain);
  if (!entry || text === undefined) {
    return undefined;
  }
  const value =
    booleans.get(text) ??
    (lenient && /^(?:y|Y|n|N|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)$/.test(text)
      ? /^(?:y|on$)/i.test(text)
      : undefined);
  if (value === undefined) {
    complain(entry.line, `'${entry.key}' must be true or false, not '${text}'`);
  }
  return value;
}

/** The public tool's `version.limit`: like a count, but numbers below 0 mean no limit, too. */
export function readLimit(entry: YamlEntry | undefined, complain: Complain): number | undefined {
  const isNegative = entry?.value.kind === 'scalar' && /^-\d{1,7}$/.test(entry.value.text);
  return isNegative ? 0 : readCount(entry, complain);
}

/** A whole number from 0 to 1,000,000. */
export function readCount(entry: YamlEntry | undefined, complain: Complain): number | undefined {
  const text = readText(entry, complain);
  if (!entry || text === undefined) {
    return undefined;
  }
  const value = /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN;
  if (value <= 1_000_000) {
    return value;
  }
  complain(entry.line, `'${entry.key}' must be a whole number from 0, not '${text}'`);
  return undefined;
}

/** Bytes, as in `512MiB`, `10 GB` or plain digits. */
export function readBytes(entry: YamlEntry | undefined, complain: Complain): number | undefined {
  const text = readText(entry, complain);
  if (!entry || text === undefined) {
    return undefined;
  }
  const bytes = parseBytes(text);
  if (bytes === undefined) {
    complain(entry.line, `'${entry.key}' must be a size such as 10GiB or 500MB, not '${text}'`);
  }
  return bytes;
}

/** `4GiB` is 4·2^30, `4GB` is 4·10^9; a letter alone (`4G`) is a power of 1024, as in every other setting. Undefined if it is no size. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,3})?)\s*(?:([kmgt])(ib?|b)?|b)?$/i.exec(text.trim());
  if (!match) {
    return undefined;
  }
  const power = ['', 'k', 'm', 'g', 't'].indexOf((match[2] ?? '').toLowerCase());
  const factor = (match[3]?.toLowerCase() === 'b' ? 1000 : 1024) ** power;
  const bytes = Math.round(Number(match[1]) * factor);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

export function isEmptyNode(node: YamlNode | undefined): boolean {
  return node === undefined || (node.kind === 'scalar' && node.isNull);
}

const nameOf = (node: YamlNode): string =>
  node.kind === 'mapping' ? 'a mapping' : node.kind === 'sequence' ? 'a list' : `'${node.text}'`;

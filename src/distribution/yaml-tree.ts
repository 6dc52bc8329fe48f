import {
  EVENT_ALIAS,
  EVENT_DOCUMENT,
  EVENT_MAPPING,
  EVENT_POP,
  EVENT_SCALAR,
  EVENT_SEQUENCE,
  getScalarValue,
  parseEvents,
  SCALAR_STYLE_PLAIN,
  YAMLException,
} from 'js-yaml';
import type { Event } from 'js-yaml';

/** A YAML node that knows its line (from 1). Scalars stay text, so that `spec.max: 3.0` is `3.0` and not 3. */
export type YamlNode = YamlScalar | YamlMapping | YamlSequence;

export interface YamlScalar {
  readonly kind: 'scalar';
  readonly line: number;
  readonly text: string;
  /** True for an unquoted empty value, `~` or `null`. */
  readonly isNull: boolean;
}

export interface YamlMapping {
  readonly kind: 'mapping';
  readonly line: number;
  readonly entries: readonly YamlEntry[];
}

export interface YamlEntry {
  readonly key: string;
  readonly line: number;
  readonly value: YamlNode;
}

export interface YamlSequence {
  readonly kind: 'sequence';
  readonly line: number;
  readonly items: readonly YamlNode[];
}

/** What is wrong with a text, and where. */
export class YamlProblem extends Error {
  readonly line: number;

  constructor(line: number, reason: string) {
    super(reason);
    this.line = line;
  }
}

/** Whoever writes a pattern such as *_otel seldom means an alias. */
const quoteHint = 'a text that begins with * needs quotes, as in "*_otel"';
const maxDepth = 20;
/** Entries that merge keys may bring in altogether: a few lines can ask for millions. */
const maxMerged = 100_000;
/** Tags that say what a scalar or collection is anyway; scalars stay text, so they change nothing. */
const plainTags: ReadonlySet<string> = new Set(['!!str', '!!bool', '!!int', '!!float', '!!map', '!!seq']);

/**
 * Reads one YAML document into nodes with line numbers; undefined for a text without a document. Anchors, aliases and
 * merge keys (`<<`) mean what they mean to the public tool's reader (Go's yaml.v3); other tags than those of plain
 * values are refused. A node that an alias stands for keeps the lines of its anchor. Throws YamlProblem.
 */
export function parseYamlTree(text: string): YamlNode | undefined {
  const lineOf = createLineFinder(text);
  const events = readEvents(text);
  const anchors = new Map<string, YamlNode>();
  let next = 0;
  let merged = 0;

  const readNode = (event: Event, parentLine: number): YamlNode => {
    if (event.type === EVENT_ALIAS) {
      const name = text.slice(event.anchorStart, event.anchorEnd);
      // Not there yet while its own value is being read: nothing can hold itself.
      const node = anchors.get(name);
      if (!node) {
        throw new YamlProblem(lineOf(event.anchorStart), `no anchor above is named '${name}'; ${quoteHint}`);
      }
      return node;
    }
    if (event.type !== EVENT_SCALAR && event.type !== EVENT_MAPPING && event.type !== EVENT_SEQUENCE) {
      throw new YamlProblem(parentLine, 'unexpected end');
    }
    if (event.tagStart >= 0 && !plainTags.has(text.slice(event.tagStart, event.tagEnd))) {
      const tag = text.slice(event.tagStart, event.tagEnd);
      throw new YamlProblem(lineOf(event.tagStart), `the tag ${tag} is not supported`);
    }
    const node = readContent(event, parentLine);
    if (event.anchorStart >= 0) {
      anchors.set(text.slice(event.anchorStart, event.anchorEnd), node);
    }
    return node;
  };

  const readContent = (event: ContentEvent, parentLine: number): YamlNode => {
    if (event.type === EVENT_SCALAR) {
      const value = getScalarValue(text, event);
      const isNull = event.style === SCALAR_STYLE_PLAIN && /^(|~|null|Null|NULL)$/.test(value);
      return {
        kind: 'scalar',
        line: event.valueStart < 0 ? parentLine : lineOf(event.valueStart),
        text: value,
        isNull,
      };
    }
    const line = lineOf(event.start);
    return event.type === EVENT_MAPPING ? readMapping(line) : readSequence(line);
  };

  const take = (line: number): Event => {
    const event = events[next++];
    if (!event) {
      throw new YamlProblem(line, 'unexpected end');
    }
    return event;
  };

  const readMapping = (line: number): YamlMapping => {
    const entries: YamlEntry[] = [];
    const inherited: YamlEntry[] = [];
    const keys = new Set<string>();
    for (let event = take(line); event.type !== EVENT_POP; event = take(line)) {
      const key = readNode(event, line);
      if (key.kind !== 'scalar') {
        throw new YamlProblem(key.line, 'a key must be plain text');
      }
      if (keys.has(key.text)) {
        throw new YamlProblem(key.line, `the key '${key.text}' is there twice`);
      }
      keys.add(key.text);
      const value = readNode(take(key.line), key.line);
      if (key.text === '<<') {
        inherited.push(...readMerge(value, key.line));
      } else {
        entries.push({ key: key.text, line: key.line, value });
      }
    }
    // A mapping's own keys win over merged ones, and of those the first.
    for (const entry of inherited) {
      if (!keys.has(entry.key)) {
        keys.add(entry.key);
        entries.push(entry);
      }
    }
    return { kind: 'mapping', line, entries };
  };

  /** What `<<` brings: the entries of one mapping, or of a list of them. */
  const readMerge = (value: YamlNode, line: number): readonly YamlEntry[] => {
    const sources = value.kind === 'sequence' ? value.items : [value];
    return sources.flatMap((source) => {
      if (source.kind !== 'mapping') {
        throw new YamlProblem(line, "'<<' takes a mapping or a list of mappings");
      }
      merged += source.entries.length;
      if (merged > maxMerged) {
        throw new YamlProblem(line, `'<<' brings in more than ${maxMerged} entries`);
      }
      return source.entries;
    });
  };

  const readSequence = (line: number): YamlSequence => {
    const items: YamlNode[] = [];
    for (let event = take(line); event.type !== EVENT_POP; event = take(line)) {
      items.push(readNode(event, line));
    }
    return { kind: 'sequence', line, items };
  };

  if (events.length === 0) {
    return undefined;
  }
  const second = events.findIndex((event, index) => index > 0 && event.type === EVENT_DOCUMENT);
  if (second > 0) {
    const first = events[second + 1];
    const start =
      first && 'start' in first ? first.start : first && 'valueStart' in first ? first.valueStart : -1;
    const line = lineOf(start < 0 ? text.length : start);
    throw new YamlProblem(line, 'a second YAML document begins here: a definition is one document');
  }
  next = 1;
  const first = take(1);
  return first.type === EVENT_POP ? undefined : readNode(first, 1);
}

type ContentEvent = Extract<
  Event,
  { type: typeof EVENT_SCALAR | typeof EVENT_MAPPING | typeof EVENT_SEQUENCE }
>;

function readEvents(text: string): Event[] {
  try {
    return parseEvents(text, { maxDepth });
  } catch (error) {
    if (error instanceof YAMLException) {
      const hint = /alias/.test(error.reason) ? `; ${quoteHint}` : '';
      throw new YamlProblem((error.mark?.line ?? 0) + 1, `${error.reason}${hint}`);
    }
    throw error;
  }
}

function createLineFinder(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
    starts.push(at + 1);
  }
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low + 1;
  };
}

import { readBlockScalar } from './plain-yaml-block.ts';
import { readFlow } from './plain-yaml-flow.ts';
import { readPlainScalar, readQuoted, type Found } from './plain-yaml-scalar.ts';
import type { YamlValue } from './yaml-scalars.ts';

// Carriage returns and other control characters; lines that begin or end a document but the first; directives.
// oxlint-disable-next-line no-control-regex
const unusual = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\ufeff\ufffe\uffff\ud800-\udfff]|\n(?:---|\.\.\.|%)/;
const opening = /^(?:---\n|(?:---|\.\.\.|%))/;
const plainKey = /[A-Za-z_](?:[\w./@*+$-]|[ ](?=[\w./@*+$-]))*/y;
// Keys that are read as something else than their text, and one that is no ordinary key of an object.
const notText =
  /^(?:y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF|null|Null|NULL|__proto__)$/;
const maxDepth = 50;

const newline = 10;
const space = 32;
const doubleQuote = 34;
const hash = 35;
const quote = 39;
const dash = 45;
const colon = 58;
const greater = 62;
const bracket = 91;
const brace = 123;
const pipe = 124;

/** A line with something on it: where it and its content start. `indent` is -1 behind the last one. */
interface Place {
  line: number;
  start: number;
  indent: number;
}

/**
 * Reads a file that is written as nearly all of them are: block lists and mappings with simple keys, scalars and small
 * flow collections on one line, block scalars. Undefined for everything else, also for what may not be YAML at all:
 * then the parser decides. What it answers is what the parser would answer, at a fifth of its cost.
 */
export function readPlainYaml(given: string): YamlValue | undefined {
  if (unusual.test(given)) {
    return undefined;
  }
  const isCut = !given.endsWith('\n');
  const text = isCut ? `${given}\n` : given;
  const marker = opening.exec(text)?.[0];
  if (marker !== undefined && marker !== '---\n') {
    return undefined;
  }
  const at: Place = { line: 0, start: 0, indent: -1 };

  /** Goes to the first line with content at or behind `from`, which is the start of a line. */
  const goTo = (from: number): void => {
    let line = from;
    while (line < text.length) {
      let start = line;
      let code = text.charCodeAt(start);
      while (code === space) {
        code = text.charCodeAt(++start);
      }
      if (code !== newline && code !== hash) {
        at.line = line;
        at.start = start;
        at.indent = start - line;
        return;
      }
      line = code === newline ? start + 1 : text.indexOf('\n', start) + 1;
    }
    at.indent = -1;
  };

  const isDash = (place: number): boolean => {
    const next = text.charCodeAt(place + 1);
    return text.charCodeAt(place) === dash && (next === space || next === newline);
  };

  /** Where the colon behind a key stands; 0 where there is no key. */
  let foundKey = '';
  const findKey = (start: number): number => {
    const code = text.charCodeAt(start);
    let end = 0;
    if (code === quote || code === doubleQuote) {
      const quoted = readQuoted(text, start);
      if (quoted) {
        foundKey = quoted.value as string;
        end = quoted.end;
      }
    } else {
      plainKey.lastIndex = start;
      if (plainKey.test(text)) {
        end = plainKey.lastIndex;
        foundKey = text.slice(start, end);
        if (notText.test(foundKey)) {
          return 0;
        }
      }
    }
    while (end > 0 && text.charCodeAt(end) === space) {
      end++;
    }
    if (end === 0 || foundKey === '__proto__' || text.charCodeAt(end) !== colon) {
      return 0;
    }
    const next = text.charCodeAt(end + 1);
    return next === space || next === newline ? end : 0;
  };

  /** What stands on lines of its own that are deeper than `column`. */
  const readNode = (column: number, depth: number): YamlValue | undefined => {
    if (depth > maxDepth) {
      return undefined;
    }
    if (isDash(at.start)) {
      return readList(at.indent, depth);
    }
    const keyEnd = findKey(at.start);
    if (keyEnd > 0) {
      return readMapping(at.indent, depth, keyEnd);
    }
    const code = text.charCodeAt(at.start);
    return code === pipe || code === greater ? undefined : readScalar(at.start, code, column);
  };

  /** `keyEnd` is the end of the first key, which was just found. */
  const readMapping = (column: number, depth: number, keyEnd: number): YamlValue | undefined => {
    const mapping: Record<string, YamlValue> = {};
    for (let end = keyEnd; end > 0; end = findKey(at.start)) {
      const key = foundKey;
      const value = readValue(end + 1, column, true, depth);
      if (value === undefined || at.indent > column) {
        return undefined;
      }
      mapping[key] = value;
      if (at.indent < column) {
        return mapping;
      }
    }
    return undefined;
  };

  const readList = (column: number, depth: number): YamlValue | undefined => {
    const list: YamlValue[] = [];
    do {
      let start = at.start + 1;
      while (text.charCodeAt(start) === space) {
        start++;
      }
      let value: YamlValue | undefined;
      if (isDash(start)) {
        return undefined;
      }
      const keyEnd = findKey(start);
      if (keyEnd > 0) {
        value = readMapping(start - at.line, depth, keyEnd);
      } else {
        value = readValue(start, column, false, depth);
      }
      if (value === undefined) {
        return undefined;
      }
      list.push(value);
    } while (at.indent === column && isDash(at.start));
    return at.indent > column ? undefined : list;
  };

  /** The value that begins at or behind `from`, of a key or list item at this column. Goes to the line behind it. */
  const readValue = (
    from: number,
    column: number,
    isOfKey: boolean,
    depth: number,
  ): YamlValue | undefined => {
    let start = from;
    let code = text.charCodeAt(start);
    while (code === space) {
      code = text.charCodeAt(++start);
    }
    if (code === newline || (code === hash && start > from)) {
      goTo(code === newline ? start + 1 : text.indexOf('\n', start) + 1);
      if (at.indent > column) {
        return readNode(column, depth + 1);
      }
      return isOfKey && at.indent === column && isDash(at.start) ? readList(column, depth + 1) : null;
    }
    return readScalar(start, code, column);
  };

  const readScalar = (start: number, code: number, column: number): YamlValue | undefined => {
    const found = findScalar(start, code, column);
    if (!found) {
      return undefined;
    }
    goTo(found.end);
    // What is deeper would go on with it.
    return at.indent > column ? undefined : found.value;
  };

  const findScalar = (start: number, code: number, column: number): Found | undefined => {
    switch (code) {
      case pipe:
      case greater:
        return endWhole(readBlockScalar(text, start, column));
      case bracket:
      case brace:
        return endLine(readFlow(text, start, column));
      case quote:
      case doubleQuote:
        return endLine(readQuoted(text, start, column));
      default:
        return readPlainScalar(text, start, column);
    }
  };

  /** A block at the end of a text whose last line has no end is left to the parser. */
  const endWhole = (found: Found | undefined): Found | undefined =>
    isCut && found && text.slice(found.end).trim() === '' ? undefined : found;

  /** Behind a value on one line comes nothing but a comment; its end becomes that of the line. */
  const endLine = (found: Found | undefined): Found | undefined => {
    if (!found) {
      return undefined;
    }
    let { end } = found;
    let code = text.charCodeAt(end);
    while (code === space) {
      code = text.charCodeAt(++end);
    }
    if (code !== newline && (code !== hash || end === found.end)) {
      return undefined;
    }
    return { value: found.value, end: text.indexOf('\n', end) + 1 };
  };

  goTo(marker === undefined ? 0 : marker.length);
  if (at.indent !== 0) {
    return undefined;
  }
  const isCollection = isDash(at.start) || findKey(at.start) > 0;
  const document = isCollection ? readNode(-1, 0) : undefined;
  const isAtEnd = (): boolean => at.indent === -1;
  return isAtEnd() ? document : undefined;
}

import {
  fieldGroups,
  isTelling,
  type DefinedField,
  type DefinedFields,
} from '../domain/field-definitions.ts';

/** A block mapping or list that is open at a line. */
interface Frame {
  readonly kind: 'map' | 'list';
  readonly indent: number;
  /** Of a list of fields what was found in it, of a field what it is found by; undefined for everything else. */
  readonly into: Found | undefined;
  name: string | undefined;
  type: string;
  /** What its list of fields was found to be, where it has one. */
  fields: DefinedField[] | undefined;
}

/** The fields of the file, or of a group in it. */
interface Found {
  readonly group: string | undefined;
  readonly fields: DefinedField[];
}

const frame = (kind: Frame['kind'], indent: number, into?: Found): Frame => ({
  kind,
  indent,
  into,
  name: undefined,
  type: '',
  fields: undefined,
});

// Tabs, carriage returns and other control characters; lines that begin or end a document; directives.
// oxlint-disable-next-line no-control-regex
const unusual = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\ufeff\ufffe\uffff\ud800-\udfff]|^(?:---|\.\.\.|%)/m;
const empty = /^ *(?:#.*)?$/;
const keyLine = /^( *)(- +)?([A-Za-z_@][\w.@-]*):(?: +(.*))?$/;
const scalarItem = /^( *)- +(.+)$/;
// One line that is the same to every parser: no indicator at its start, no `: `, no ` #`, no colon at its end.
const plainValue = /^[A-Za-z0-9_/(.<^$+=\\](?:[^:]|:(?=[^\s]))*$/;
const singleQuoted = /^'(?:[^']|'')*'$/;
const doubleQuoted = /^"(?:[^"\\]|\\["\\nt])*"$/;
const openQuote = /^'(?:[^']|'')*$/;
const closingQuote = /^(?:[^']|'')*' *$/;
const blockHeader = /^[|>][-+]?$/;
// Names and types, which are looked at: words, quoted or not.
const nameable = /^(?:[A-Za-z_@][\w.@*-]*|'[\w.@*-]+'|"[\w.@*-]+")$/;

/**
 * Reads a fields file that is written as nearly all of them are: block lists and mappings with simple keys, scalars on
 * one line, block scalars. Undefined for everything else, also for what may not be YAML at all: the parser decides then.
 * What it answers is what the parser would answer, at a tenth of its cost.
 */
export function readPlainFields(text: string): DefinedFields | undefined {
  if (unusual.test(text)) {
    return undefined;
  }
  const found: Found = { group: undefined, fields: [] };
  let isStarted = false;
  const keysWithFields = new Set<Frame>();
  const stack: Frame[] = [];
  /** The key without a value on the line before: what is nested deeper is its value. */
  let pending: { readonly indent: number; readonly key: string } | undefined;

  const close = ({ kind, into, name, type, fields }: Frame): void => {
    const field = { name, type: type || undefined, fields };
    if (kind === 'map' && into && isTelling(field, into.group)) {
      into.fields.push(field);
    }
  };
  const closeAbove = (indent: number): Frame | undefined => {
    while ((stack.at(-1)?.indent ?? -1) > indent) {
      const inner = stack.pop();
      if (inner) {
        close(inner);
      }
    }
    return stack.at(-1);
  };
  /** The list that an item at this column belongs to. */
  const listAt = (indent: number): Frame | undefined => {
    const holder = stack.at(-1);
    if (pending && holder?.kind === 'map' && indent >= pending.indent) {
      const isOfField = holder.into !== undefined && pending.key === 'fields';
      if (isOfField && holder.name === undefined) {
        return undefined;
      }
      const isGroup = isOfField && holder.into?.group === undefined && fieldGroups.has(holder.name ?? '');
      if (isGroup) {
        holder.fields = [];
      }
      stack.push(
        frame('list', indent, isGroup ? { group: holder.name, fields: holder.fields ?? [] } : undefined),
      );
      pending = undefined;
      return stack.at(-1);
    }
    if (!isStarted && indent === 0) {
      isStarted = true;
      stack.push(frame('list', indent, found));
    }
    const top = closeAbove(indent);
    // A list may stand at the column of the key that holds it: then the mapping above it has the same column.
    return top?.kind === 'list' && top.indent === indent ? top : undefined;
  };
  /** The mapping that a key at this column belongs to. */
  const mapAt = (indent: number): Frame | undefined => {
    const holder = stack.at(-1);
    if (pending && indent > pending.indent && holder) {
      stack.push(frame('map', indent));
      pending = undefined;
      return stack.at(-1);
    }
    let top = closeAbove(indent);
    if (top?.kind === 'list' && top.indent === indent && stack.length > 1) {
      close(top);
      stack.pop();
      top = stack.at(-1);
    }
    return top?.kind === 'map' && top.indent === indent ? top : undefined;
  };

  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const current = lines[at] ?? '';
    if (empty.test(current)) {
      continue;
    }
    const [whole, spaces = '', dash = '', key = '', value = ''] = keyLine.exec(current) ?? [];
    if (whole === undefined) {
      const [, before = '', item = '|'] = scalarItem.exec(current) ?? [];
      const list =
        blockHeader.test(item) || openQuote.test(item) || readValue(item) === undefined
          ? undefined
          : listAt(before.length);
      if (!list || list.into) {
        return undefined;
      }
      continue;
    }
    const column = spaces.length + dash.length;
    let map: Frame | undefined;
    if (dash === '') {
      map = mapAt(column);
    } else {
      const list = listAt(spaces.length);
      if (list) {
        map = frame('map', column, list.into);
        stack.push(map);
      }
    }
    const scalar = map && readValue(value);
    if (!map || scalar === undefined) {
      return undefined;
    }
    pending = value === '' ? { indent: column, key } : undefined;
    if (map.into && key === 'fields') {
      if (keysWithFields.has(map)) {
        return undefined;
      }
      keysWithFields.add(map);
    }
    if (map.into && (key === 'name' || key === 'type')) {
      // The last of two equal keys counts, but what is nested has used the first.
      if (!nameable.test(value) || (key === 'name' && map.name !== undefined)) {
        return undefined;
      }
      map[key] = scalar;
    }
    if (blockHeader.test(value) || openQuote.test(value)) {
      const end = blockHeader.test(value) ? blockEnd(lines, at + 1, column) : quoteEnd(lines, at + 1);
      if (end === undefined) {
        return undefined;
      }
      at = end - 1;
    }
  }
  closeAbove(-1);
  return isStarted ? found.fields : undefined;
}

/** The text of a value on one line; empty for none and for a block scalar; undefined for what the parser is to read. */
function readValue(value: string): string | undefined {
  if (value === '' || blockHeader.test(value) || openQuote.test(value)) {
    return '';
  }
  if (singleQuoted.test(value)) {
    return value.slice(1, -1).replaceAll("''", "'");
  }
  if (doubleQuoted.test(value)) {
    return value.slice(1, -1);
  }
  return plainValue.test(value) && !value.includes(' #') && !value.endsWith(' ') ? value : undefined;
}

/** Where a single-quoted scalar of several lines ends; undefined where something stands behind it. */
function quoteEnd(lines: readonly string[], start: number): number | undefined {
  for (let at = start; at < lines.length; at++) {
    const current = lines[at] ?? '';
    if (/^[^ ]/.test(current)) {
      // At the margin it may as well be the next field.
      return undefined;
    }
    if (closingQuote.test(current)) {
      return at + 1;
    }
    if (current.replaceAll("''", '').includes("'")) {
      return undefined;
    }
  }
  return undefined;
}

/** Where a block scalar ends; undefined where its lines leave room for doubt. */
function blockEnd(lines: readonly string[], start: number, column: number): number | undefined {
  let indent: number | undefined;
  let at = start;
  for (; at < lines.length; at++) {
    const current = lines[at] ?? '';
    const depth = current.search(/[^ ]/);
    if (depth < 0) {
      if (indent === undefined && current.length > 0) {
        return undefined;
      }
      continue;
    }
    if (indent === undefined) {
      if (depth <= column) {
        return undefined;
      }
      indent = depth;
    } else if (depth < indent) {
      return depth > column ? undefined : at;
    }
  }
  return indent === undefined ? undefined : at;
}

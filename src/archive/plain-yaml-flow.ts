import { readQuoted, type Found } from './plain-yaml-scalar.ts';
import { resolveScalar, type YamlValue } from './yaml-scalars.ts';

// Words, numbers, paths and patterns without any character that means something in a flow collection.
const plainItem = /[A-Za-z0-9_./][\w./*+@$ -]*/y;
const plainKey = /[A-Za-z_][\w.-]*(?=:[ \n])/y;
const notText = /^(?:y|yes|n|no|true|false|on|off|null|__proto__)$/i;
const maxDepth = 20;

/** A flow collection of scalars on one line each and other such collections; its lines are deeper than `column`. */
export function readFlow(text: string, start: number, column: number, depth = 0): Found | undefined {
  const isList = text.charCodeAt(start) === 91;
  const closing = isList ? 93 : 125;
  const list: YamlValue[] = [];
  const mapping: Record<string, YamlValue> = {};
  let at = skipSpaces(text, start + 1, column);
  if (depth > maxDepth) {
    return undefined;
  }
  if (text.charCodeAt(at) === closing) {
    return { value: isList ? list : mapping, end: at + 1 };
  }
  for (;;) {
    let key = '';
    if (!isList) {
      const found = readKey(text, at);
      if (!found) {
        return undefined;
      }
      key = found.value as string;
      at = skipSpaces(text, found.end, column);
    }
    const found = readItem(text, at, column, depth);
    if (!found) {
      return undefined;
    }
    if (isList) {
      list.push(found.value);
    } else {
      mapping[key] = found.value;
    }
    at = skipSpaces(text, found.end, column);
    const code = text.charCodeAt(at);
    if (code === closing) {
      return { value: isList ? list : mapping, end: at + 1 };
    }
    if (code !== 44) {
      return undefined;
    }
    at = skipSpaces(text, at + 1, column);
    if (text.charCodeAt(at) === closing) {
      return { value: isList ? list : mapping, end: at + 1 };
    }
  }
}

function readItem(text: string, at: number, column: number, depth: number): Found | undefined {
  const code = text.charCodeAt(at);
  if (code === 91 || code === 123) {
    return readFlow(text, at, column, depth + 1);
  }
  if (code === 34 || code === 39) {
    return readQuoted(text, at);
  }
  plainItem.lastIndex = at;
  if (!plainItem.test(text)) {
    return undefined;
  }
  const end = plainItem.lastIndex;
  return { value: resolveScalar(text.slice(at, end).trimEnd()), end };
}

/** A key with its colon. */
function readKey(text: string, at: number): Found | undefined {
  const code = text.charCodeAt(at);
  if (code === 34 || code === 39) {
    const found = readQuoted(text, at);
    return found && text.charCodeAt(found.end) === 58 && found.value !== '__proto__'
      ? { value: found.value, end: found.end + 1 }
      : undefined;
  }
  plainKey.lastIndex = at;
  const key = plainKey.test(text) ? text.slice(at, plainKey.lastIndex) : '';
  return key === '' || notText.test(key) ? undefined : { value: key, end: plainKey.lastIndex + 1 };
}

/** Goes over spaces and lines; before what is not deeper than `column` it stays where nothing fits. */
function skipSpaces(text: string, from: number, column: number): number {
  let at = from;
  let line = -1;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code === 10) {
      line = at + 1;
    } else if (code !== 32) {
      return line >= 0 && at - line <= column ? line - 1 : at;
    }
    at++;
  }
}

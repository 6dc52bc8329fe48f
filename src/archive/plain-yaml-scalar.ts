import { resolveScalar, type YamlValue } from './yaml-scalars.ts';

/** A value and where it ends: behind its last character, or at the start of the next line where it takes whole lines. */
export interface Found {
  readonly value: YamlValue;
  readonly end: number;
}

const singleQuoted = /'(?:[^']|'')*'/y;
const doubleQuoted = /"(?:[^"\\]|\\["\\/nrt])*"/y;
const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };
const lineBreak = / *\n(?: *\n)* */g;

/**
 * A scalar in quotes; undefined for one with rarer escapes. It may go on over lines that are deeper than `column`, where
 * there is one; they are folded.
 */
export function readQuoted(text: string, start: number, column?: number): Found | undefined {
  const isSingle = text.charCodeAt(start) === 39;
  const pattern = isSingle ? singleQuoted : doubleQuoted;
  pattern.lastIndex = start;
  if (!pattern.test(text)) {
    return undefined;
  }
  const end = pattern.lastIndex;
  const written = text.slice(start + 1, end - 1);
  const inner = written.includes('\n') ? foldQuoted(written, column) : written;
  if (inner === undefined) {
    return undefined;
  }
  if (isSingle) {
    return { value: inner.includes("'") ? inner.replaceAll("''", "'") : inner, end };
  }
  return {
    value: inner.includes('\\') ? inner.replace(/\\(.)/g, (_, sign: string) => escapes[sign] ?? sign) : inner,
    end,
  };
}

function foldQuoted(written: string, column: number | undefined): string | undefined {
  let isDeep = column !== undefined && !written.includes('\t');
  const folded = written.replace(lineBreak, (spaces) => {
    isDeep &&= spaces.length - spaces.lastIndexOf('\n') - 1 > (column ?? 0);
    const breaks = spaces.split('\n').length - 1;
    return breaks === 1 ? ' ' : '\n'.repeat(breaks - 1);
  });
  return isDeep ? folded : undefined;
}

// No indicator, and no character that some parser might take for one.
const plainStart = /[A-Za-z0-9_/(.<^$+=\\~;]|-(?=[^\s])/y;

/** A scalar without quotes, over all lines that are deeper than `column`. It ends with its last line. */
export function readPlainScalar(text: string, start: number, column: number): Found | undefined {
  let lineEnd = text.indexOf('\n', start);
  const first = readPiece(text, start, lineEnd);
  if (first === undefined || first.startsWith('<<')) {
    return undefined;
  }
  if (text.slice(start + first.length, lineEnd).includes('#')) {
    // A comment ends it.
    return { value: resolveScalar(first), end: lineEnd + 1 };
  }
  let folded: string | undefined;
  let blanks = 0;
  for (let line = lineEnd + 1; line < text.length; line = lineEnd + 1) {
    let place = line;
    while (text.charCodeAt(place) === 32) {
      place++;
    }
    lineEnd = text.indexOf('\n', place);
    if (lineEnd === place) {
      blanks++;
      continue;
    }
    if (place - line <= column) {
      return { value: folded ?? resolveScalar(first), end: line };
    }
    const piece = readPiece(text, place, lineEnd, true);
    if (
      piece === undefined ||
      piece.startsWith('#') ||
      text.slice(place + piece.length, lineEnd).includes('#')
    ) {
      return undefined;
    }
    folded = (folded ?? first) + (blanks > 0 ? '\n'.repeat(blanks) : ' ') + piece;
    blanks = 0;
  }
  return { value: folded ?? resolveScalar(first), end: lineEnd + 1 };
}

/** One line of such a scalar without comment and spaces behind it; undefined for what may be something else. */
function readPiece(text: string, start: number, lineEnd: number, isMore = false): string | undefined {
  plainStart.lastIndex = start;
  if (!isMore && !plainStart.test(text)) {
    return undefined;
  }
  const line = text.slice(start, lineEnd);
  const comment = line.indexOf(' #');
  let end = comment < 0 ? line.length : comment;
  while (line.charCodeAt(end - 1) === 32) {
    end--;
  }
  const piece = end === line.length ? line : line.slice(0, end);
  return piece.endsWith(':') || piece.includes(': ') || piece.includes('\t') ? undefined : piece;
}

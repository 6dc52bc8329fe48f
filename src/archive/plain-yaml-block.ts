import type { Found } from './plain-yaml-scalar.ts';

const header = /([|>])([-+]?)\n/y;

/** The lines of a block scalar without their indentation, and how many blank ones follow. */
interface Block {
  readonly lines: readonly string[];
  readonly blanks: number;
  readonly end: number;
}

/** A block scalar whose lines are deeper than `column`; undefined where its lines leave room for doubt. */
export function readBlockScalar(text: string, start: number, column: number): Found | undefined {
  header.lastIndex = start;
  const [whole, style, chomping] = header.exec(text) ?? [];
  const block = whole === undefined ? undefined : readLines(text, start + whole.length, column);
  if (!block) {
    return undefined;
  }
  const content = style === '|' ? block.lines.join('\n') : fold(block.lines);
  const breaks = chomping === '-' ? 0 : chomping === '+' ? 1 + block.blanks : 1;
  return { value: content + '\n'.repeat(breaks), end: block.end };
}

function readLines(text: string, start: number, column: number): Block | undefined {
  const lines: string[] = [];
  let [indent, blanks, end] = [0, 0, start];
  for (let line = start; line < text.length;) {
    let place = line;
    while (text.charCodeAt(place) === 32) {
      place++;
    }
    const depth = place - line;
    const lineEnd = text.indexOf('\n', place);
    const next = lineEnd + 1;
    if (lineEnd === place && (indent === 0 || depth <= indent)) {
      // More spaces than the text behind it has are wrong.
      if (indent === 0 && depth > column) {
        return undefined;
      }
      blanks++;
      line = next;
      continue;
    }
    if (indent > 0 ? depth < indent : depth <= column) {
      if (depth > column && text.charCodeAt(place) !== 35) {
        return undefined;
      }
      break;
    }
    indent ||= depth;
    for (; blanks > 0; blanks--) {
      lines.push('');
    }
    lines.push(text.slice(line + indent, lineEnd));
    end = line = next;
  }
  return lines.length === 0 ? undefined : { lines, blanks, end };
}

/** Lines become one, but at blank ones and around those that are indented further. */
function fold(lines: readonly string[]): string {
  let folded = '';
  let blanks = 0;
  let wasIndented = true;
  for (const [index, line] of lines.entries()) {
    if (line === '') {
      blanks++;
      continue;
    }
    const isIndented = line.startsWith(' ') || line.startsWith('\t');
    const isKept = wasIndented || isIndented;
    const breaks = index === blanks ? blanks : blanks + (isKept ? 1 : 0);
    folded += (breaks > 0 ? '\n'.repeat(breaks) : index > 0 ? ' ' : '') + line;
    blanks = 0;
    wasIndented = isIndented;
  }
  return folded;
}

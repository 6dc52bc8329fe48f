import { readFile, writeFile } from 'node:fs/promises';
import { describeMachine } from './machine.ts';
import { markdownTable, type TextTable } from './table.ts';

const page = 'docs/benchmarks.md';

/** Puts a table between the marks `<!-- SECTION -->` and `<!-- end of SECTION -->` of the page; the words around stay. */
export async function writeSection(
  section: string,
  table: TextTable,
  remarks: readonly string[],
): Promise<void> {
  const text = await readFile(page, 'utf8');
  const [start, end] = [`<!-- ${section} -->`, `<!-- end of ${section} -->`];
  const [from, to] = [text.indexOf(start), text.indexOf(end)];
  if (from < 0 || to < from) {
    throw new Error(`${page} has no place for a table: ${start} … ${end}`);
  }
  const notes = remarks.map((remark) => `- ${remark}\n`).join('');
  const content = `\n\n${describeMachine()}.\n\n${markdownTable(table)}${notes === '' ? '' : `\n${notes}`}\n`;
  await writeFile(page, text.slice(0, from + start.length) + content + text.slice(to));
}

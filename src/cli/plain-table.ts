import Table from 'cli-table3';

const places = ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right', 'left', 'left-mid',
  'mid', 'mid-mid', 'right', 'right-mid', 'middle'] as const; // prettier-ignore
const noLines = Object.fromEntries(places.map((name) => [name, '']));

/** Rows below a heading in columns, without frames: for people, `grep` and logs alike. Ends without a line feed. */
export const plainTable = (
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string => {
  const table = new Table({
    head: [...head],
    chars: noLines,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
  });
  table.push(...rows.map((row) => row.map((cell) => printable(String(cell)))));
  // The last column's padding is of no use to anybody.
  return table.toString().replaceAll(/ +$/gm, '');
};

/** File names are not to write to the terminal what they like: control characters are shown as escapes. */
export const printable = (text: string): string =>
  text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (sign) =>
    sign === '\n' ? sign : `\\u${(sign.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );

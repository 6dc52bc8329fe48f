import test from 'ava';
import { cutScreenshots } from '../../../src/mirror/packages/manifest-cut.ts';

const cut = (text: string): { readonly text: string; readonly files: readonly string[] } | undefined => {
  const result = cutScreenshots(Buffer.from(text));
  return result && { text: result.manifest.toString(), files: result.files };
};

const images = (indent: string): string =>
  [`- src: /img/a.png`, `  title: A`, `- src: /img/b.png`, `  title: B`]
    .map((line) => `${indent}${line}\n`)
    .join('');

test('a manifest without screenshots stays the very one', (t) => {
  t.is(cut('name: a\nversion: 1.0.0\n'), undefined);
});

for (const [what, before, after] of [
  [
    'indented',
    `name: a\nscreenshots:\n${images('  ')}icons:\n  - src: /img/logo.svg\n`,
    'name: a\nicons:\n  - src: /img/logo.svg\n',
  ],
  ['not indented', `screenshots:\n${images('')}name: a # the name\n`, 'name: a # the name\n'],
  ['last, without an end of line', `name: a\nscreenshots:\n${images('  ').trimEnd()}`, 'name: a\n'],
  [
    'with blank lines and comments inside, and others after that belong to what follows',
    `name: a\nscreenshots:\n\n${images('  ')}  # inside\n  - src: /img/a.png\n\n# the icons\nicons: []\n`,
    'name: a\n\n# the icons\nicons: []\n',
  ],
  [
    'with CRLF',
    `name: a\r\nscreenshots:\r\n${images('  ').replaceAll('\n', '\r\n')}icons: []\r\n`,
    'name: a\r\nicons: []\r\n',
  ],
  [
    'in a flow over two lines, with a quoted key',
    'name: a\n"screenshots": [{src: /img/a.png},\n  {src: /img/b.png}]\nicons: []\n',
    'name: a\nicons: []\n',
  ],
  [
    'in policy templates',
    `name: a\npolicy_templates:\n- name: x\n  screenshots:\n${images('  ')}  title: X\n- name: y\n  screenshots:\n${images('    ')}`,
    'name: a\npolicy_templates:\n- name: x\n  title: X\n- name: y\n',
  ],
] as const) {
  test(`screenshots are cut, all else stays byte for byte: ${what}`, (t) => {
    const result = cut(before);
    t.is(result?.text, after);
    t.deepEqual([...new Set(result?.files)].toSorted(), ['img/a.png', 'img/b.png']);
  });
}

test('an image that is an icon too stays', (t) => {
  const result = cut(`name: a\nscreenshots:\n${images('  ')}icons:\n  - src: /img/a.png\n`);
  t.deepEqual(result?.files, ['img/b.png']);
});

for (const [what, text] of [
  ['in one line', '{"name": "a", "screenshots": [{"src": "/img/a.png"}]}\n'],
  [
    'as the first key of a list item',
    'policy_templates:\n  - screenshots:\n      - src: /img/a.png\n    name: x\n',
  ],
  [
    'beside a text that only looks like them',
    `screenshots:\n${images('  ')}description: |\n  Shown are\n  screenshots:\n    - src: none\n  and more.\n`,
  ],
  [
    'named by an anchor',
    'x: &shots\n  - src: /img/a.png\nscreenshots: &other\n  - src: /img/b.png\ny: *other\n',
  ],
] as const) {
  test(`what can not be cut line by line is refused, never half done: ${what}`, (t) => {
    t.throws(() => cut(text));
  });
}

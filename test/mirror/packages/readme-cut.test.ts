import test from 'ava';
import { cutImages } from '../../../src/mirror/packages/readme-cut.ts';

const gone = new Set(['img/a.png', 'img/with space.png']);
const cut = (text: string, path = 'docs/README.md'): string => cutImages(text, path, gone);

for (const [what, before, after] of [
  ['an image', 'See ![the board](../img/a.png).\n', 'See the board.\n'],
  ['an image with a title', `![the board](../img/a.png "A board")\n`, 'the board\n'],
  ['an image without words', '# A\n\n![](../img/a.png)\n\nText\n', '# A\n\n\n\nText\n'],
  ['an address from the package’s top', '![b](/img/a.png) ![b](./../img//a.png)', 'b b'],
  [
    'an address in angle brackets, or percent-encoded',
    '![b](<../img/with space.png>) ![c](../img/with%20space.png)',
    'b c',
  ],
  ['an address with a query or a fragment', '![b](../img/a.png?raw=true) ![c](../img/a.png#x)', 'b c'],
  ['a linked image', '[![b](../img/a.png)](../img/a.png)', 'b'],
  [
    'a linked image that leads elsewhere',
    '[![b](../img/a.png)](https://a.example)',
    '[b](https://a.example)',
  ],
  ['a link', 'See [the board](../img/a.png).', 'See the board.'],
  [
    'HTML',
    `<p><img src="../img/a.png" alt="the board" width=9/></p> <IMG SRC='../img/a.png'>`,
    '<p>the board</p> ',
  ],
  [
    'references',
    'See ![the board][board], [it][Board] and ![board].\n\n[board]: ../img/a.png "A"\n[other]: ../img/b.png\n',
    'See the board, it and board.\n\n[other]: ../img/b.png\n',
  ],
  ['CRLF', '![the board](../img/a.png)\r\nText\r\n', 'the board\r\nText\r\n'],
] as const) {
  test(`of a reference to an image that is gone its words stay: ${what}`, (t) => {
    t.is(cut(before), after);
  });
}

for (const [what, text] of [
  ['another image', '![b](../img/b.png) and a.png by its name\n'],
  [
    'an image of that name elsewhere',
    '![b](https://a.example/img/a.png) ![b](img/a.png) ![b](../../img/a.png)\n',
  ],
  ['code', 'Write:\n\n```md\n![b](../img/a.png)\n```\n\n~~~\n![b](../img/a.png)\n'],
  ['a broken form', '![b](../img/a.png\n![b] (../img/a.png)\n<img src="../img/a.png"\n'],
  ['another definition', '[b]: ../img/b.png\n![b]\n a.png'],
] as const) {
  test(`every other letter stays: ${what}`, (t) => {
    t.is(cut(text), text);
  });
}

test('hostile texts take no time', (t) => {
  for (const text of ['<img ', '![', '![a](', '[a][', '```\n', '![a](../img/a.png "', '[', '\\[']) {
    const many = `${text.repeat(200_000)} a.png`;
    t.is(typeof cut(many), 'string');
  }
});

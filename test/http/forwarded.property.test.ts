import test from 'ava';
import fc from 'fast-check';
import { forwardedFor } from '../../src/http/forwarded.ts';

// Written from what a header is made of (RFC 7239, 4), each value quoted or not, and read again.
const token = fc.stringMatching(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,8}$/);
const text = fc.string({ unit: 'grapheme-ascii', maxLength: 12 });
const nodes = fc.oneof(
  fc.ipV4(),
  fc.tuple(fc.ipV4(), fc.nat(65_535)).map(([address, port]) => `${address}:${port}`),
  fc.ipV6().map((address) => `[${address}]`),
  fc.tuple(fc.ipV6(), fc.nat(65_535)).map(([address, port]) => `[${address}]:${port}`),
  fc.constantFrom('unknown', '_gateway', '_a.b-c'),
);
const quote = (value: string): string => `"${value.replaceAll(/["\\]/g, '\\$&')}"`;
const space = fc.constantFrom('', ' ', '\t');

interface Hop {
  readonly node: string | undefined;
  readonly written: string;
}

const further = fc
  .tuple(token, fc.oneof(token, text.map(quote)))
  .filter(([name]) => name.toLowerCase() !== 'for')
  .map(([name, value]) => `${name}=${value}`);
const hop: fc.Arbitrary<Hop> = fc
  .tuple(
    fc.option(nodes, { nil: undefined }),
    fc.constantFrom('for', 'For', 'FOR'),
    fc.array(further, { maxLength: 3 }),
    fc.nat(3),
    space,
  )
  .map(([node, name, others, place, gap]) => {
    const pairs = [...others];
    if (node !== undefined) {
      pairs.splice(place, 0, `${name}=${quote(node)}`);
    }
    return { node, written: `${gap}${pairs.join(`${gap};${gap}`)}${gap}` };
  })
  .filter(({ written }) => written.trim() !== '');
const hops = fc.array(hop, { minLength: 1, maxLength: 5 });
const nodesOf = (list: readonly Hop[]): readonly (string | undefined)[] => list.map(({ node }) => node);
const write = (list: readonly Hop[]): string => list.map(({ written }) => written).join(',');

test('what is written by the rules is read as it was meant', (t) => {
  fc.assert(fc.property(hops, (list) => void t.deepEqual(forwardedFor(write(list)), nodesOf(list))));
  t.pass();
});

test('whatever a client has written before, what proxies add behind it is read as they meant it', (t) => {
  const anything = fc.oneof(
    fc.string({ unit: 'grapheme-ascii', maxLength: 40 }),
    fc.stringMatching(/^[for=",;\\ [\]1.]{0,40}$/),
  );
  fc.assert(
    fc.property(anything, hops, (made, list) => {
      const read = forwardedFor(`${made}, ${write(list)}`);
      t.deepEqual(read.slice(-list.length), nodesOf(list));
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

test('the largest header is read in a moment, whatever it is made of', (t) => {
  for (const piece of [',', ';', '"', '\\', '\\"', 'for=', 'for= ', ' ', '",', '=";', 'for="', '[', 'a:']) {
    const header = piece.repeat(Math.floor(16_384 / piece.length));
    t.true(forwardedFor(header).length <= header.length + 1, piece);
    t.true(forwardedFor(`for=a${header}b`).length <= header.length + 1, piece);
  }
});

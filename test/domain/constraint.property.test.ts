import test from 'ava';
import fc from 'fast-check';
import { parseConstraint } from '../../src/domain/constraint.ts';
import { parseLooseVersion } from '../../src/domain/version.ts';

// A second reading of the rules: from what a constraint is made of, never from its text, and over small numbers alone.
type Numbers = readonly [number, number, number];
type Part = number | 'x' | 'X' | '*';

interface Piece {
  readonly operator: string;
  /** One to three; a wildcard ends what counts. */
  readonly parts: readonly Part[];
  readonly tag: string;
}

interface Sample {
  readonly numbers: Numbers;
  readonly tag: string;
}

const isWild = (part: Part | undefined): boolean => typeof part !== 'number';

/** How many parts stand before the first that is absent or a wildcard. */
const exactness = ({ parts }: Piece): number => {
  const at = [0, 1, 2].find((index) => isWild(parts[index]));
  return at ?? 3;
};

const baseOf = (piece: Piece): Sample => {
  const known = exactness(piece);
  const numbers = [0, 1, 2].map((at) => (at < known ? Number(piece.parts[at]) : 0)) as unknown as Numbers;
  return { numbers, tag: piece.tag };
};

const compareTags = (a: string, b: string): number => {
  // Only tags that this test makes: absent, a number, words.
  const rank = ['0', '2', 'alpha', 'beta.2', 'beta.10', ''];
  return rank.indexOf(a) - rank.indexOf(b);
};

const compare = (a: Sample, b: Sample): number => {
  const at = a.numbers.findIndex((number, index) => number !== b.numbers[index]);
  return at < 0 ? compareTags(a.tag, b.tag) : (a.numbers[at] ?? 0) - (b.numbers[at] ?? 0);
};

/** Whether the first so many numbers are the same. */
const agree = (a: Sample, b: Sample, count: number): boolean =>
  a.numbers.slice(0, count).every((number, index) => number === b.numbers[index]);

const rules: Readonly<Record<string, (version: Sample, piece: Piece) => boolean>> = {
  '=': (version, piece) =>
    exactness(piece) === 3 ? compare(version, baseOf(piece)) === 0 : rule('~')(version, piece),
  '!=': (version, piece) => {
    const [base, known] = [baseOf(piece), exactness(piece)];
    if (known === 3 || known === 0) {
      return compare(version, base) !== 0;
    }
    if (!agree(version, base, known)) {
      return true;
    }
    return known === 2 && (version.tag !== '' || base.tag !== '') && version.tag !== base.tag;
  },
  '<': (version, piece) => compare(version, baseOf(piece)) < 0,
  '>=': (version, piece) => compare(version, baseOf(piece)) >= 0,
  '>': (version, piece) => {
    const [base, known] = [baseOf(piece), exactness(piece)];
    return compare(version, base) > 0 && (known === 3 || known === 0 || !agree(version, base, known));
  },
  '<=': (version, piece) => {
    const [base, known] = [baseOf(piece), exactness(piece)];
    if (known === 3) {
      return compare(version, base) <= 0;
    }
    const [major, minor] = version.numbers;
    return known === 1
      ? major <= base.numbers[0]
      : major < base.numbers[0] || (major === base.numbers[0] && minor <= base.numbers[1]);
  },
  '~': (version, piece) => {
    const [base, known] = [baseOf(piece), exactness(piece)];
    const isAny = (known === 3 || known === 0) && base.numbers.every((number) => number === 0);
    return compare(version, base) >= 0 && (isAny || agree(version, base, known === 1 ? 1 : 2));
  },
  '^': (version, piece) => {
    const [base, known] = [baseOf(piece), exactness(piece)];
    // The first number that is not zero must agree, and those before it; what was not written may be anything.
    const first = base.numbers.findIndex((number) => number !== 0);
    const counted = first < 0 ? 3 : first + 1;
    return compare(version, base) >= 0 && agree(version, base, known === 0 ? 3 : Math.min(counted, known));
  },
};
const rule = (operator: string): ((version: Sample, piece: Piece) => boolean) =>
  rules[{ '': '=', '=>': '>=', '=<': '<=', '~>': '~' }[operator] ?? operator] ?? (() => false);

const admits = (groups: readonly (readonly Piece[])[], version: Sample): boolean =>
  groups.some(
    (group) =>
      (version.tag === '' || group.some((piece) => baseOf(piece).tag !== '')) &&
      group.every((piece) => rule(piece.operator)(version, piece)),
  );

const tags = ['0', '2', 'alpha', 'beta.2', 'beta.10'];
const tag = fc.oneof({ weight: 3, arbitrary: fc.constant('') }, fc.constantFrom(...tags));
const number = fc.integer({ min: 0, max: 3 });
const part: fc.Arbitrary<Part> = fc.oneof(
  { weight: 5, arbitrary: number },
  fc.constantFrom('x' as const, 'X' as const, '*' as const),
);
const piece = fc.record({
  operator: fc.constantFrom('', '=', '!=', '>', '<', '>=', '=>', '<=', '=<', '~', '~>', '^'),
  parts: fc.array(part, { minLength: 1, maxLength: 3 }),
  tag,
});
const space = fc.constantFrom('', '', ' ', '\t', ' \n');
const groups = fc.array(fc.array(piece, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 });
const version = fc.record({ numbers: fc.tuple(number, number, number), tag });
const style = fc.record({
  space,
  v: fc.constantFrom('', '', 'v'),
  zero: fc.constantFrom('', '', '0'),
  build: fc.constantFrom('', '', '+b.1'),
  and: fc.constantFrom(' ', ', ', ',', '  ', ' , ', '\n'),
  or: fc.constantFrom('||', ' || ', ' ||', '||\t'),
});
type Style = typeof style extends fc.Arbitrary<infer T> ? T : never;

const write = (made: readonly (readonly Piece[])[], { space: gap, v, zero, build, and, or }: Style): string =>
  made
    .map((group) =>
      group
        .map(({ operator, parts, tag: pre }) => {
          const text = parts.map((one) => (typeof one === 'number' ? zero + one : one)).join('.');
          return `${operator}${gap}${v}${text}${pre && `-${pre}`}${build}`;
        })
        .join(and),
    )
    .join(gap + or + gap);
const textOf = ({ numbers, tag: pre }: Sample): string => numbers.join('.') + (pre && `-${pre}`);

test('a constraint admits what the rules admit, however it is written', (t) => {
  fc.assert(
    fc.property(groups, style, fc.array(version, { minLength: 4, maxLength: 12 }), (made, how, versions) => {
      const text = write(made, how);
      const parsed = parseConstraint(text);
      for (const one of versions) {
        const read = parseLooseVersion(textOf(one));
        if (!parsed || !read || parsed.test(read) !== admits(made, one)) {
          throw new Error(`${JSON.stringify(text)} and ${textOf(one)}`);
        }
      }
    }),
    { numRuns: 20_000 },
  );
  t.pass();
});

test('a range is its two bounds, at the start of a group, behind a comma and behind another range', (t) => {
  const pairs: readonly (readonly [string, string])[] = [
    ['1.0.0 - 2.0.0', '>=1.0.0 <=2.0.0'],
    ['1 - 2.1,<2', '>=1 <=2.1 <2'],
    ['1 - 2 <2', '>=1 <=2 <2'],
    ['>1, 1.x - 2.x-0', '>1 >=1.x <=2.x-0'],
    ['1 - 3 2 - 4 || 8 - 9', '>=1 <=3 >=2 <=4 || >=8 <=9'],
  ];
  for (const [text, expected] of pairs) {
    t.is(parseConstraint(text)?.text, expected, text);
  }
  for (const text of ['^1.0.0 - 2.0.0', '>1 1.2 - 2', '1 -2', '1- 2', '1 - ', '- 2', '1 - 2 - 3', '1 - ^2']) {
    t.is(parseConstraint(text), undefined, text);
  }
});

test('what is broken anywhere is refused as a whole', (t) => {
  const breaks = [
    '',
    '==1',
    '>==1',
    '<>1',
    '~^1',
    '1.',
    '1.2.3.4',
    'V1',
    '1.2.3-01',
    '1.2.3-',
    '1+',
    'latest',
  ];
  fc.assert(
    fc.property(groups, style, fc.constantFrom(...breaks), fc.nat(2), (made, how, broken, place) => {
      const good = write(made, how);
      const text = [`${broken} || ${good}`, `${good} || ${broken}`, `${good},${broken}`][place] ?? '';
      return parseConstraint(text) === undefined;
    }),
    { numRuns: 2000 },
  );
  for (const odd of ['1,,2', ',1', '1,', '1 && 2', '1 | 2', '1\u00a02', '\ufeff1', '1\v2', '>=1<2', '(1)']) {
    t.is(parseConstraint(odd), undefined, JSON.stringify(odd));
  }
});

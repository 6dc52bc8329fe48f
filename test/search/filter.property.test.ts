import test from 'ava';
import fc from 'fast-check';
import { parseLooseVersion } from '../../src/domain/version.ts';
import type { SnapshotItem } from '../../src/index/snapshot-item.ts';
import { createSnapshotMaker, type Snapshot } from '../../src/index/snapshot.ts';
import { search } from '../../src/search/filter.ts';
import type { SearchQuery } from '../../src/search/query.ts';
import {
  parents,
  plainSearch,
  tags,
  type PlainCondition,
  type PlainPackage,
  type PlainQuery,
  type PlainVersion,
} from './plain-search.ts';

const textOf = ({ numbers, tag }: PlainVersion): string => numbers.join('.') + (tag && `-${tag}`);
const fullVersion = (one: PlainPackage): string => textOf(one) + (one.build && `+${one.build}`);
const conditionText = ({ sameMajor, from }: PlainCondition): string =>
  `${sameMajor ? '^' : '>='}${textOf(from)}`;

const itemOf = (one: PlainPackage): SnapshotItem => {
  const label = `${one.name}-${fullVersion(one)}.zip`;
  return {
    ref: { kind: 'zip', path: `/srv/${label}`, label, stamp: '1-2-3-4', size: 1, modifiedAt: 1 },
    record: {
      name: one.name,
      version: fullVersion(one),
      type: one.type,
      release: one.release,
      format: one.format?.join('.'),
      kibana: one.kibana && conditionText(one.kibana),
      agent: one.agent && conditionText(one.agent),
      capabilities: one.capabilities,
      categories: one.categories,
      templates: one.templates,
      discoveryFields: one.fields,
      discoveryDatasets: one.datasets,
      deprecated: undefined,
      isSigned: false,
    },
    summary: Buffer.from('{}'),
    detail: () => Promise.resolve(Buffer.from('{}')),
  };
};

const queryOf = (query: PlainQuery): SearchQuery => ({
  ...query,
  kibana: query.kibana && parseLooseVersion(textOf(query.kibana)),
  agent: query.agent && parseLooseVersion(textOf(query.agent)),
  specMin: query.specMin && parseLooseVersion(query.specMin.join('.')),
  specMax: query.specMax && parseLooseVersion(query.specMax.join('.')),
  discovery: query.discovery.map(({ kind, values }) => ({ kind, values: new Set(values) })),
});

const maybe = <T>(some: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(some, { nil: undefined });
const rarely = <T>(some: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, some);
const small = fc.integer({ min: 0, max: 2 });
const version: fc.Arbitrary<PlainVersion> = fc.record({
  numbers: fc.tuple(small, small, small),
  tag: fc.oneof({ weight: 3, arbitrary: fc.constant('') }, fc.constantFrom(...tags)),
});
// What `^` means below 1.0.0 is a matter of constraints, which have tests of their own.
const condition = fc.record({
  sameMajor: fc.boolean(),
  from: version.map(({ numbers: [major, ...rest], tag }) => ({
    numbers: [major || 1, ...rest] as const,
    tag,
  })),
});
const spec = fc.tuple(small, small);
const names = ['a', 'B', 'a_b', 'ab'];
const types = ['integration', 'input', 'content'];
const words = fc.subarray(['x', 'y', 'z']);
const categories = fc.subarray(Object.keys(parents), { maxLength: 2 });
const qualities = {
  type: fc.constantFrom(...types),
  release: fc.constantFrom('ga', 'ga', 'beta', 'experimental'),
  format: maybe(spec),
  kibana: maybe(condition),
  agent: maybe(condition),
  capabilities: words,
  categories,
  templates: fc.array(fc.record({ name: fc.constantFrom('p', 'q'), categories }), { maxLength: 2 }),
  fields: maybe(words),
  datasets: maybe(words),
};
const base = fc.record(qualities);
const own = fc.record({ name: fc.constantFrom(...names), build: fc.constantFrom('', '', 'b1', 'b2') });
/** Versions that differ in little, as those of real packages do: each is like one of few, with at most one quality of its own. */
const packages: fc.Arbitrary<PlainPackage[]> = fc
  .array(base, { minLength: 1, maxLength: 3 })
  .chain((bases) => {
    const change = fc.tuple(fc.constantFrom('', ...Object.keys(qualities)), base);
    const onePackage = fc
      .tuple(own, version, fc.constantFrom(...bases), change)
      .map(([named, numbered, like, [key, other]]) => ({
        ...like,
        ...Object.fromEntries(Object.entries(other).filter(([quality]) => quality === key)),
        ...named,
        ...numbered,
      }));
    return fc.uniqueArray(onePackage, {
      selector: (one) => `${one.name}-${fullVersion(one)}`,
      maxLength: 40,
    });
  });
const query: fc.Arbitrary<PlainQuery> = fc.record({
  kibana: maybe(version),
  agent: maybe(version),
  name: rarely(fc.constantFrom(...names, 'absent')),
  type: rarely(fc.constantFrom(...types, 'absent')),
  category: rarely(fc.constantFrom(...Object.keys(parents), 'absent')),
  capabilities: maybe(fc.subarray(['x', 'y', 'z', 'never'])),
  specMin: maybe(spec),
  specMax: maybe(spec),
  all: fc.boolean(),
  prerelease: fc.boolean(),
  experimental: fc.boolean(),
  discovery: fc.array(
    fc.record({ kind: fc.constantFrom('fields' as const, 'datasets' as const), values: words }),
    { maxLength: 2 },
  ),
});

const found = (snapshot: Snapshot, asked: PlainQuery): unknown[] =>
  search(snapshot.catalog, queryOf(asked)).map(({ entry, templates }) => ({
    label: entry.ref.label,
    templates: templates && [...templates],
  }));
const expected = (some: readonly PlainPackage[], asked: PlainQuery): unknown[] =>
  plainSearch(some, asked).map(({ package: one, templates }) => ({
    label: itemOf(one).ref.label,
    templates: templates && [...new Set(templates)],
  }));
const finds = (snapshot: Snapshot, some: readonly PlainPackage[], asked: readonly PlainQuery[]): void => {
  for (const one of asked) {
    const [here, there] = [found(snapshot, one), expected(some, one)].map((list) => JSON.stringify(list));
    if (here !== there) {
      throw new Error(`${JSON.stringify(one)} finds\n${here}, wanted is\n${there}`);
    }
  }
};

test('a search finds what the rules say, whatever the packages and the query are', (t) => {
  fc.assert(
    fc.property(packages, fc.array(query, { minLength: 8, maxLength: 16 }), (some, asked) => {
      finds(createSnapshotMaker(() => undefined)(1, some.map(itemOf), []), some, asked);
    }),
    { numRuns: 3000 },
  );
  t.pass();
});

test('packages come and go, and searches of each snapshot find what it has', (t) => {
  fc.assert(
    fc.property(packages, fc.array(query, { minLength: 4, maxLength: 8 }), fc.nat(40), (some, asked, cut) => {
      const make = createSnapshotMaker(() => undefined);
      const items = some.map(itemOf);
      const parts = [some.slice(0, cut), some, some.slice(cut)];
      const snapshots = [items.slice(0, cut), items, items.slice(cut)].map((part, at) => make(at, part, []));
      for (const [at, snapshot] of snapshots.entries()) {
        finds(snapshot, parts[at] ?? [], asked);
      }
    }),
    { numRuns: 500 },
  );
  t.pass();
});

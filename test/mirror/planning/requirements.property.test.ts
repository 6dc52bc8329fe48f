import test from 'ava';
import fc from 'fast-check';
import type { Candidate } from '../../../src/distribution/candidate.ts';
import { idOf } from '../../../src/distribution/candidate.ts';
import { parseDefinition } from '../../../src/distribution/parse-definition.ts';
import { parseConstraint } from '../../../src/domain/constraint.ts';
import { parseStrictVersion } from '../../../src/domain/version.ts';
import { resolveWanted } from '../../../src/mirror/planning/wanted.ts';
import type { Upstream } from '../../../src/mirror/planning/upstream.ts';

interface Offered {
  readonly name: string;
  readonly version: string;
  readonly kibana: string;
  readonly requires: readonly { readonly name: string; readonly constraint: string }[];
}

const suits = (constraint: string, version: string): boolean => {
  const [parsed, asked] = [parseConstraint(constraint), parseStrictVersion(version)];
  return parsed !== undefined && asked !== undefined && parsed.test(asked);
};

/** A registry in memory, which answers what `/search` and `/package` would. */
const registryOf = (offered: readonly Offered[]): Upstream => {
  const candidateOf = (one: Offered): Candidate => {
    const parsed = parseStrictVersion(one.version);
    if (!parsed) {
      throw new TypeError(one.version);
    }
    return { ...one, parsed };
  };
  const none = (): never => {
    throw new Error('nothing is fetched here');
  };
  return {
    search: async (parameters) => {
      const asked = new URLSearchParams(parameters);
      const [name, kibana] = [asked.get('package'), asked.get('kibana.version')];
      const fitting = offered.filter(
        (one) => (name === null || one.name === name) && (kibana === null || suits(one.kibana, kibana)),
      );
      return { candidates: fitting.map(candidateOf), refused: [] };
    },
    conditions: async (pin) => offered.find((one) => idOf(one) === idOf(pin)),
    archivePresence: none,
    archiveUrl: none,
    signatureUrl: none,
  };
};

const names = ['a', 'b', 'c', 'd'];
const versions = ['1.0.0', '1.1.0', '1.2.0', '2.0.0'];
const kibanas = ['7.17.0', '8.19.0', '9.2.0'];
const registry: fc.Arbitrary<Offered[]> = fc.uniqueArray(
  fc.record<Offered>({
    name: fc.constantFrom(...names),
    version: fc.constantFrom(...versions),
    kibana: fc.constantFrom('^7.0.0', '^8.0.0', '^9.0.0', '^8.0.0 || ^9.0.0', '>=7.0.0'),
    requires: fc.array(
      fc.record({
        name: fc.constantFrom(...names),
        constraint: fc.constantFrom('^1.0.0', '^1.1.0', '1.2.0', '>=1.0.0', '^2.0.0'),
      }),
      { maxLength: 2 },
    ),
  }),
  { selector: (one) => idOf(one), minLength: 1, maxLength: 12 },
);
const asked = fc.record({
  matrix: fc.uniqueArray(fc.constantFrom(...kibanas), { minLength: 1, maxLength: 2 }),
  queries: fc.uniqueArray(fc.constantFrom(...names), { maxLength: 2 }),
  pins: fc.array(fc.nat({ max: 11 }), { maxLength: 3 }),
});

test('whoever gets a package gets what it requires, and nothing comes that nobody requires', async (t) => {
  await fc.assert(
    fc.asyncProperty(registry, asked, async (offered, { matrix, queries, pins }) => {
      const pinned = pins.flatMap((index) => offered[index] ?? []);
      fc.pre(queries.length + pinned.length > 0);
      const definition = parseDefinition(
        [
          'dependencies: true',
          `matrix: [${matrix.map((version) => `{kibana.version: ${version}}`).join()}]`,
          `queries: [${queries.map((name) => `{package: ${name}}`).join()}]`,
          `packages: [${pinned.map(({ name, version }) => `{name: ${name}, version: ${version}}`).join()}]`,
        ].join('\n'),
        'random',
      );
      const { candidates, problems } = await resolveWanted(definition, [], registryOf(offered));
      const chosen = candidates.flatMap(({ name, version }) =>
        offered.filter((one) => one.name === name && one.version === version),
      );
      const fulfils = ({ name, constraint }: Offered['requires'][number], one: Offered): boolean =>
        one.name === name && suits(constraint, one.version);
      for (const one of chosen) {
        const takers = matrix.filter((version) => suits(one.kibana, version));
        for (const requirement of one.requires) {
          const offers = (version: string): Offered[] =>
            offered.filter((other) => suits(other.kibana, version) && fulfils(requirement, other));
          // Who takes the package, or everybody where nobody does and nothing chosen fulfils it.
          for (const version of takers) {
            const [there] = offers(version).filter((other) => chosen.includes(other));
            if (offers(version).length > 0 && !there) {
              return false;
            }
          }
          const label = `${idOf(one)} requires ${requirement.name} ${requirement.constraint}: `;
          const isMet = chosen.some((other) => fulfils(requirement, other));
          if (isMet === problems.some(({ reason }) => reason.startsWith(label))) {
            return false;
          }
        }
      }
      const isAsked = (one: Offered): boolean => queries.includes(one.name) || pinned.includes(one);
      return chosen.every(
        (one) => isAsked(one) || chosen.some(({ requires }) => requires.some((each) => fulfils(each, one))),
      );
    }),
    { numRuns: 1000 },
  );
  t.pass();
});

test('what a pin requires that no Kibana takes is looked at when all else is chosen', async (t) => {
  const kibana = '^9.0.0';
  const offered: readonly Offered[] = [
    { name: 'a', version: '1.0.0', kibana: '^7.0.0', requires: [{ name: 'd', constraint: '>=1.0.0' }] },
    { name: 'b', version: '1.0.0', kibana, requires: [{ name: 'c', constraint: '^1.0.0' }] },
    { name: 'c', version: '1.0.0', kibana, requires: [{ name: 'd', constraint: '1.0.0' }] },
    { name: 'd', version: '1.0.0', kibana, requires: [] },
    { name: 'd', version: '2.0.0', kibana, requires: [] },
  ];
  const resolve = async (queries: string): Promise<string> => {
    const text = `dependencies: true\nmatrix: [{kibana.version: 9.2.0}]\n${queries}packages: [{name: a, version: 1.0.0}]\n`;
    const { candidates, problems } = await resolveWanted(
      parseDefinition(text, 'test'),
      [],
      registryOf(offered),
    );
    t.deepEqual(problems, []);
    return candidates.map(idOf).join(' ');
  };
  t.is(await resolve(''), 'a-1.0.0 d-2.0.0');
  t.is(await resolve('queries: [{package: b}]\n'), 'a-1.0.0 b-1.0.0 c-1.0.0 d-1.0.0');
});

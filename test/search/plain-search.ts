/**
 * The rules of searching, written down a second time: one sentence after another over plain lists, as slow as they are plain. What a
 * version or a condition is comes from what it is made of, never from its text.
 */

/** Three small numbers and a tag, which is empty or one of `tags`. */
export interface PlainVersion {
  readonly numbers: readonly [number, number, number];
  readonly tag: string;
}

/** In their order; a release, without a tag, is above them. */
export const tags = ['alpha', 'beta.2', 'beta.10', 'rc.1'];

/** `from` or newer; `sameMajor`: and of its major. */
export interface PlainCondition {
  readonly sameMajor: boolean;
  readonly from: PlainVersion;
}

export interface PlainPackage extends PlainVersion {
  readonly name: string;
  readonly build: string;
  readonly type: string;
  readonly release: string;
  readonly format: readonly [number, number] | undefined;
  readonly kibana: PlainCondition | undefined;
  readonly agent: PlainCondition | undefined;
  readonly capabilities: readonly string[];
  readonly categories: readonly string[];
  readonly templates: readonly { readonly name: string; readonly categories: readonly string[] }[];
  readonly fields: readonly string[] | undefined;
  readonly datasets: readonly string[] | undefined;
}

export interface PlainQuery {
  readonly kibana: PlainVersion | undefined;
  readonly agent: PlainVersion | undefined;
  readonly name: string | undefined;
  readonly type: string | undefined;
  readonly category: string | undefined;
  readonly capabilities: readonly string[] | undefined;
  readonly specMin: readonly [number, number] | undefined;
  readonly specMax: readonly [number, number] | undefined;
  readonly all: boolean;
  readonly prerelease: boolean;
  readonly experimental: boolean;
  readonly discovery: readonly { readonly kind: 'fields' | 'datasets'; readonly values: readonly string[] }[];
}

export interface PlainHit {
  readonly package: PlainPackage;
  /** Undefined where all templates are shown. */
  readonly templates: readonly string[] | undefined;
}

/** The categories that the packages of this test have, and what they are a part of. */
export const parents: Readonly<Record<string, string | undefined>> = {
  security: undefined,
  auditd: 'security',
  authentication: 'security',
  custom: undefined,
  custom_logs: 'custom',
};

/** What a query finds among packages, in the order of the answer. */
export function plainSearch(packages: readonly PlainPackage[], query: PlainQuery): PlainHit[] {
  const asked = packages
    .filter(({ name }) => query.name === undefined || name === query.name)
    .filter(({ type }) => query.type === undefined || type === query.type)
    .filter(({ kibana }) => fits(kibana, query.kibana));
  const names = [...new Set(asked.map(({ name }) => name))].toSorted((a, b) =>
    Buffer.compare(Buffer.from(a), Buffer.from(b)),
  );
  return names.flatMap((name) => {
    const versions = asked.filter((one) => one.name === name).toSorted(compare);
    const wanted = query.experimental ? legacy(versions) : versions.filter((one) => isFound(one, query));
    const newest = wanted.find((one) => compare(one, wanted.at(-1) ?? one) === 0);
    const chosen = query.all ? wanted : newest ? [newest] : [];
    return chosen.flatMap((one) => inCategory(one, query.category));
  });
}

function legacy(versions: readonly PlainPackage[]): readonly PlainPackage[] {
  const stable = versions.filter(({ numbers, tag }) => tag === '' && numbers[0] >= 1);
  return stable.length > 0 ? stable : versions;
}

function isFound(one: PlainPackage, query: PlainQuery): boolean {
  const { specMin, specMax } = query;
  const tests: readonly boolean[] = [
    query.prerelease || (one.tag === '' && one.release !== 'experimental'),
    fits(one.agent, query.agent),
    query.capabilities === undefined || isWithin(one.capabilities, query.capabilities),
    specMin === undefined || (one.format !== undefined && order(one.format, specMin) >= 0),
    specMax === undefined || (one.format !== undefined && order(one.format, specMax) <= 0),
    ...query.discovery.map(({ kind, values }) =>
      kind === 'fields'
        ? one.fields !== undefined && isWithin(one.fields, values)
        : one.datasets !== undefined && one.datasets.some((dataset) => values.includes(dataset)),
    ),
  ];
  return !tests.includes(false);
}

function inCategory(one: PlainPackage, category: string | undefined): PlainHit[] {
  const isPart = (id: string): boolean => id === category || parents[id] === category;
  if (category === undefined || one.categories.some(isPart)) {
    return [{ package: one, templates: undefined }];
  }
  const brings = one.templates.some((template) => template.categories.some(isPart));
  const shown = one.templates.filter((template) => template.categories.includes(category));
  return brings ? [{ package: one, templates: shown.map(({ name }) => name) }] : [];
}

function fits(condition: PlainCondition | undefined, version: PlainVersion | undefined): boolean {
  if (condition === undefined || version === undefined) {
    return true;
  }
  const { from, sameMajor } = condition;
  return (
    compare(version, from) >= 0 &&
    (!sameMajor || version.numbers[0] === from.numbers[0]) &&
    (version.tag === '' || from.tag !== '')
  );
}

function compare(a: PlainVersion, b: PlainVersion): number {
  const ranks = [...tags, ''];
  return order(a.numbers, b.numbers) || ranks.indexOf(a.tag) - ranks.indexOf(b.tag);
}

/** Of two lists of numbers as long as each other. */
function order(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((number, index) => number !== b[index]);
  return at < 0 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}

const isWithin = (some: readonly string[], all: readonly string[]): boolean =>
  some.every((one) => all.includes(one));

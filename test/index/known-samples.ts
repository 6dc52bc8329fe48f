import type { KnownPackage, KnownPackages } from '../../src/index/known-package.ts';
import type { IndexOrigin } from '../../src/index/index-file.ts';

/** What indexes of the tests are made by and for. */
export const origin: IndexOrigin = { program: '1.0.0 abc', rules: '{"packagePaths":["/p"]}' };

const item = (name: string, at: number): NonNullable<KnownPackage['item']> => ({
  record: {
    name,
    version: `1.0.${at}`,
    type: 'integration',
    release: 'ga',
    format: '3.0',
    kibana: '^8.0.0',
    agent: undefined,
    capabilities: [],
    categories: ['custom'],
    templates: [],
    discoveryFields: undefined,
    discoveryDatasets: undefined,
    deprecated: undefined,
    isSigned: false,
  },
  summary: Buffer.from(`{"name":"${name}"}`),
  detail: () => Promise.resolve(Buffer.from(`detail of ${name} ${at}`)),
});

/** An index of so many packages; each third is in quarantine. */
export function knownSamples(count: number): KnownPackages {
  return new Map(
    Array.from({ length: count }, (_, at) => [
      `/p/demo-1.0.${at}.zip`,
      at % 3 === 2
        ? { stamp: `s${at}`, digest: undefined, item: undefined, reasons: ['it is broken', 'twice'] }
        : {
            stamp: `s${at}`,
            digest: `d${at}`,
            item: item('demo', at),
            reasons: [],
            ...(at % 2 === 0 ? { until: 4_000_000_000_000 + at } : {}),
          },
    ]),
  );
}

/** An index as plain values, to be compared. */
export async function plain(known: KnownPackages): Promise<unknown[]> {
  const rows: unknown[] = [];
  for (const [path, { stamp, digest, item: one, reasons, until }] of known) {
    const detail = (await one?.detail())?.toString();
    const answers = [JSON.stringify(one?.record), one?.summary.toString(), detail];
    rows.push([path, stamp, digest, ...answers, reasons, until]);
  }
  return rows;
}

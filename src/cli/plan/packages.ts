import { gunzipSync } from 'node:zlib';
import { DepotError } from '../../domain/errors.ts';
import { compareVersions, parseLooseVersion } from '../../domain/version.ts';
import { eachConcurrently } from '../../mirror/transfer/pool.ts';
import { dismiss, readBody, type HttpClient } from '../../net/http.ts';

/** A package that must come in before the stack is upgraded. */
export interface MissingPackage {
  readonly name: string;
  /** The newest version that suits the new stack. */
  readonly wanted: string;
  /** What this depot has for it; undefined where there is none. */
  readonly here: string | undefined;
}

/** Newest versions by name, as `/search?kibana.version=…` lists them. */
export type NewestPackages = ReadonlyMap<string, string>;

const maxListBytes = 64 * 1024 * 1024;

/** The newest packages that a registry has for a stack. Throws DepotError. */
export const newestPackages = async (
  base: string,
  stack: string,
  client: HttpClient,
): Promise<NewestPackages> => readAnswer(await askList(base, stack, client), base);

/** Reads an answer of `/search`. Throws DepotError UPSTREAM_ANSWER. */
export const readAnswer = (text: string, place: string): NewestPackages => {
  let items: unknown;
  try {
    items = JSON.parse(text);
  } catch {
    items = undefined;
  }
  if (!Array.isArray(items)) {
    throw new DepotError('UPSTREAM_ANSWER', { url: place, reason: 'it is no list of packages' });
  }
  const newest = new Map<string, string>();
  for (const item of items as readonly { readonly name?: unknown; readonly version?: unknown }[]) {
    if (typeof item.name === 'string' && typeof item.version === 'string') {
      newest.set(item.name, item.version);
    }
  }
  return newest;
};

const askList = async (base: string, stack: string, client: HttpClient): Promise<string> => {
  const url = new URL(`${base.replace(/\/+$/, '')}/search?kibana.version=${encodeURIComponent(stack)}`);
  const answer = await client.request({ url, headers: { 'accept-encoding': 'gzip' } });
  const body = await readBody(answer, maxListBytes);
  if (answer.status !== 200) {
    throw new DepotError('UPSTREAM_ANSWER', { url: url.href, reason: `it answered ${answer.status}` });
  }
  return (answer.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString('utf8');
};

/** What an upstream has newer, or at all, by name. */
export const missingPackages = (here: NewestPackages, upstream: NewestPackages): readonly MissingPackage[] =>
  [...upstream]
    .filter(([name, wanted]) => isOlder(here.get(name), wanted))
    .map(([name, wanted]) => ({ name, wanted, here: here.get(name) }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));

/**
 * Those of `missing` that a registry doesn't have after all. A list of files doesn't say which packages are experimental: those
 * are served, but a search hides them. Who can't be asked lacks them.
 */
export const withoutServed = async (
  missing: readonly MissingPackage[],
  base: string,
  client: HttpClient,
): Promise<readonly MissingPackage[]> => {
  const served = new Set<string>();
  await eachConcurrently(missing, 4, async ({ name, wanted }) => {
    const url = new URL(
      `${base.replace(/\/+$/, '')}/package/${encodeURIComponent(name)}/${encodeURIComponent(wanted)}/`,
    );
    const answer = await client.request({ url, method: 'HEAD' }).catch(() => undefined);
    if (answer?.status === 200) {
      served.add(name);
    }
    if (answer) {
      dismiss(answer);
    }
  });
  return missing.filter(({ name }) => !served.has(name));
};

const isOlder = (here: string | undefined, wanted: string): boolean => {
  const [mine, theirs] = [
    here === undefined ? undefined : parseLooseVersion(here),
    parseLooseVersion(wanted),
  ];
  return theirs !== undefined && (mine === undefined || compareVersions(mine, theirs) < 0);
};

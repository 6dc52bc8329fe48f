import { randomBytes } from 'node:crypto';
import type { ExecutionContext } from 'ava';
import { eventually } from '../support/eventually.ts';
import { packageFiles, zipBytes } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';
import { startServer, type TestServer, type TestServerOptions } from '../support/server.ts';

/** A running server on a folder that tests work on. */
export interface Registry extends TestServer {
  readonly folder: string;
  /** Versions of a package that are served, ascending. */
  versions(name?: string): Promise<string[]>;
  health(): Promise<Health>;
  /** The value of a metric, by its name with its labels. */
  metric(name: string): Promise<number>;
}

export interface Health {
  readonly status: string;
  readonly reason?: string;
  readonly generation: number;
  readonly versions: number;
  readonly quarantined: number;
}

/** Only notifications, only the clock, or neither. */
export const lookBy = {
  notify: { 'poll-interval': '0s', 'package-paths-enable-watcher': 'true' },
  poll: { 'poll-interval': '300ms', 'package-paths-enable-watcher': 'false' },
  nothing: { 'poll-interval': '0s', 'package-paths-enable-watcher': 'false' },
} as const;

/** Starts a server on a fresh folder, which `prepare` may fill before. */
export async function startRegistry(
  t: ExecutionContext,
  options: TestServerOptions & { readonly prepare?: (folder: string) => Promise<unknown> } = {},
): Promise<Registry> {
  const folder = options.packagePaths?.[0] ?? (await scratch(t));
  await options.prepare?.(folder);
  const server = await startServer({ packagePaths: [folder], ...options });
  t.teardown(() => server.close());
  const ask = async <T>(path: string): Promise<T> =>
    (await fetch(`${server.url}${path}`)).json() as Promise<T>;
  return {
    ...server,
    folder,
    versions: async (name = 'demo') => {
      const found = await ask<{ version: string }[]>(`/search?package=${name}&all=true&prerelease=true`);
      return found.map(({ version }) => version);
    },
    health: () => ask<Health>('/health'),
    metric: async (name) => {
      const line = (await server.metrics()).split('\n').find((one) => one.startsWith(`${name} `));
      return Number(line?.slice(name.length + 1) ?? Number.NaN);
    },
  };
}

/** Waits until exactly these versions are served. */
export const serves = (registry: Registry, wanted: readonly string[], name = 'demo'): Promise<void> =>
  eventually(
    `${name} has ${wanted.join(', ') || 'no version'}`,
    async () => (await registry.versions(name)).join() === wanted.join(),
  );

/** The description of demo 1.0.0 as it is served; empty where it isn't. */
export const descriptionOf = async (registry: Registry): Promise<string> => {
  const answer = await fetch(`${registry.url}/package/demo/1.0.0/`);
  return answer.status === 200 ? ((await answer.json()) as { description: string }).description : '';
};

/** The archive of a demo 1.0.0 with this description, and a file of so many bytes that can't be compressed. */
export const described = (description: string, ballast = 0): Promise<Buffer> =>
  zipBytes(
    'demo-1.0.0',
    packageFiles({ manifest: { description }, files: { 'docs/ballast.bin': randomBytes(ballast) } }),
  );

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { ExecutionContext } from 'ava';
import { pinnedKey, references, startReleaseUpstream, type ReleaseUpstream } from './release-upstream.ts';
import { scratch } from './scratch.ts';
import { runSyncVerb, type SyncJson, type SyncRun } from './sync-run.ts';

/** An upstream of a release, a definition that asks it, and a folder to fill. */
export interface ReleaseSite {
  readonly upstream: ReleaseUpstream;
  readonly folder: string;
  readonly definition: string;
  /** The folder that `run` fills. */
  readonly to: string;
  /** Writes the definition: these lines, the pinned key and, unless told not to, the upstream's addresses. */
  define(lines: string, keys?: string, withReferences?: boolean): Promise<void>;
  /** `sync DEFINITION --to TO --json` with more words. */
  readonly run: ReleaseVerb;
}

/** Runs `sync` with more words. */
export interface ReleaseVerb {
  (...words: string[]): Promise<ReleaseRun>;
  withSignal(signal: AbortSignal): Promise<ReleaseRun>;
  /** Without `--json`. */
  plain(...words: string[]): Promise<SyncRun>;
}

/** A run and what its JSON says of artifacts. */
export interface ReleaseRun extends SyncRun {
  readonly artifacts: ReleaseJson;
}

interface ReleaseJson {
  readonly plan: {
    readonly totals: {
      readonly files: number;
      readonly fetch: Count;
      readonly keep: Count;
      readonly unwanted: Count;
      readonly unknownSizes: number;
    };
    readonly files: readonly {
      readonly path: string;
      readonly state: string;
      readonly size: number | null;
    }[];
    readonly unwanted: readonly { readonly path: string; readonly size: number }[];
    readonly foreign: readonly string[];
  };
  readonly report: SyncJson['report'];
}

interface Count {
  readonly items: number;
  readonly bytes: number;
}

/** Two agents, as most sites ask for them. */
export const agents =
  'artifacts:\n  - version: 9.2.1\n    platforms: [linux-x86_64, windows-x86_64]\n    names: [elastic-agent]\n';

export const linuxAgent = 'beats/elastic-agent/elastic-agent-9.2.1-linux-x86_64.tar.gz';
export const windowsAgent = 'beats/elastic-agent/elastic-agent-9.2.1-windows-x86_64.zip';

export const createReleaseSite = async (t: ExecutionContext): Promise<ReleaseSite> => {
  const folder = await scratch(t);
  const upstream = await startReleaseUpstream(t);
  const definition = join(folder, 'site.yml');
  const to = join(folder, 'site');
  const run = async (words: readonly string[], signal?: AbortSignal): Promise<ReleaseRun> => {
    const done = await runSyncVerb([definition, '--to', to, '--json', ...words], {
      key: '',
      ...(signal ? { signal } : {}),
    });
    const readJson = (): ReleaseJson =>
      (JSON.parse(done.stdout) as { readonly artifacts: ReleaseJson }).artifacts;
    return Object.defineProperty(done, 'artifacts', { get: readJson }) as ReleaseRun;
  };
  return {
    upstream,
    folder,
    definition,
    to,
    define: (lines, keys = pinnedKey(upstream), withReferences = true) =>
      writeFile(definition, `${lines}${keys}${withReferences ? references(upstream) : ''}`),
    run: Object.assign((...words: string[]) => run(words), {
      withSignal: (signal: AbortSignal) => run([], signal),
      plain: (...words: string[]) => runSyncVerb([definition, '--to', to, ...words], { key: '' }),
    }),
  };
};

/** Every file below a folder but hidden ones, with its SHA-256. */
export const treeOf = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((file) => [relative(folder, file), file] as const)
      .filter(([path]) => !path.split('/').some((part) => part.startsWith('.')))
      .toSorted()
      .map(([path, file]) => [path, createHash('sha256').update(readFileSync(file)).digest('hex')]),
  );

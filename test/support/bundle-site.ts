import { mkdir, mkdtemp, readFile, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { openBundle, type Bundle, type BundlePolicy } from '../../src/bundle/bundle.ts';
import { createBundle, type BundleRequest, type CreatedBundle } from '../../src/bundle/create.ts';
import { collectFolder } from '../../src/bundle/file-set.ts';
import { importBundle, type ImportResult } from '../../src/bundle/import.ts';
import { openOrCreateDepot, type Depot, type DepotEnvironment } from '../../src/depot/depot.ts';
import { digestOf } from '../../src/files/digest.ts';
import { createTestSigner, type TestSigner } from './test-signer.ts';

export type Files = Readonly<Record<string, string | Uint8Array>>;

/** A sending and a receiving side in one temporary folder that goes with the test. */
export interface BundleSite extends TestSigner {
  readonly root: string;
  readonly environment: DepotEnvironment;
  at(name: string): string;
  folder(name: string, files: Files): Promise<string>;
  create(files: Files, output: string, more?: Partial<BundleRequest>): Promise<CreatedBundle>;
  open(files: readonly string[], more?: Partial<BundlePolicy>): Promise<Bundle>;
  depot(name?: string): Promise<Depot>;
  import(files: readonly string[], depot: Depot, more?: Partial<BundlePolicy>): Promise<ImportResult>;
}

export const createBundleSite = async (t: ExecutionContext): Promise<BundleSite> => {
  const root = await mkdtemp(path.join(tmpdir(), 'fleet-depot-bundle-'));
  t.teardown(() => rm(root, { recursive: true, force: true }));
  const keys = await createTestSigner();
  let tick = Date.parse('2026-03-01T10:00:00Z');
  const environment: DepotEnvironment = { clock: () => new Date((tick += 1000)), user: () => 'alice' };
  const at = (name: string): string => path.join(root, name);
  const site: BundleSite = {
    ...keys,
    root,
    environment,
    at,
    folder: async (name, files) => {
      for (const [file, content] of Object.entries(files)) {
        await mkdir(path.dirname(path.join(root, name, file)), { recursive: true });
        await writeFile(path.join(root, name, file), content);
      }
      return at(name);
    },
    create: async (files, output, more = {}) => {
      const source = await mkdtemp(at('source-'));
      await site.folder(path.basename(source), files);
      const set = await collectFolder(source, () => undefined);
      return createBundle({ files: set, signer: keys.signer, output: at(output), ...more });
    },
    open: (files, more = {}) =>
      openBundle(files.map(at), {
        verifier: keys.verifier,
        allowUnsigned: false,
        allowPartial: false,
        ...more,
      }),
    depot: (name = 'depot') => openOrCreateDepot(at(name), environment),
    import: async (files, depot, more = {}) => {
      const bundle = await site.open(files, more);
      return depot.change('bundle import', () => importBundle(bundle, depot, () => undefined));
    },
  };
  return site;
};

/** Some files with names as packages have them; deterministic contents. */
export const carriedFiles = (count: number, bytes = 3000, seed = ''): Record<string, Uint8Array> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, at) => [
      [`pkg${at}-1.0.${at}.zip`, filler(bytes + at, `${seed}zip${at}`)],
      [`pkg${at}-1.0.${at}.zip.sig`, filler(300, `${seed}sig${at}`)],
    ]).flat() as [string, Uint8Array][],
  );

const filler = (bytes: number, seed: string): Uint8Array => {
  const parts: string[] = [];
  for (let at = 0; at * 64 < bytes; at += 1) {
    parts.push(digestOf(`${seed}${at}`));
  }
  return Buffer.from(parts.join('')).subarray(0, bytes);
};

/** All that people and servers can see of a depot: current, each snapshot's files and bytes, records, labels. */
export const visibleState = async (root: string): Promise<string> => {
  const lines: string[] = [await readlink(path.join(root, 'current')).catch(() => 'no current')];
  for (const folder of ['snapshots', 'records']) {
    const entries = await readdir(path.join(root, folder), { recursive: true, withFileTypes: true }).catch(
      () => [],
    );
    for (const entry of entries) {
      const file = path.join(entry.parentPath, entry.name);
      lines.push(
        `${path.relative(root, file)} ${entry.isFile() ? digestOf(await readFile(file)) : 'folder'}`,
      );
    }
  }
  return lines.toSorted().join('\n');
};

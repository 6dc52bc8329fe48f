import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { lacksOpenssl, makeAuthority, type Authority, type Issued } from './authority.ts';
import { runCommand, startServer, type Finished, type RunningServer } from './command.ts';
import { unpackShared } from './corpus.ts';
import { writeZipPackage } from './packages.ts';
import { scratch } from './scratch.ts';
import { sharedFolder } from './shared.ts';
import { startSquid } from './squid.ts';
import { gatewayFlags, startTlsProxy, type TlsProxy } from './tls-proxy.ts';

/** Everything that a chain of commands works on: one folder, one home, programs as an operator runs them, and a CA of its own. */
export interface ChainSite {
  readonly authority: Authority;
  /** Of that CA, for `localhost`. */
  readonly certificate: Issued;
  /** Flags of a server that has it. */
  readonly tlsFlags: readonly string[];
  at(...parts: string[]): string;
  /** Runs a verb and expects its exit code, 0 unless told. */
  run(words: readonly string[], code?: number): Promise<Finished>;
  serve(words: readonly string[], env?: NodeJS.ProcessEnv): Promise<RunningServer>;
  /** Makes a site key; its files are `NAME.key` and `NAME.pub.asc`. */
  makeKey(name: string): Promise<string>;
  /** A proxy that asks for a password, and the flags that name both; undefined where squid is absent. */
  startProxy(): Promise<{ readonly address: string; readonly flags: readonly string[] } | undefined>;
  /** A proxy over TLS that demands a client certificate, and the flags that go through it with one of `carrier`. */
  startGateway(): Promise<{ readonly connects: TlsProxy['connects']; readonly flags: readonly string[] }>;
}

/** User and password of the proxy, as an address has them. */
export const proxyUser = 'carrier:p%25ss%20word';

/** A site in a folder that goes with the test; undefined where openssl is absent. A chain takes its time. */
export const createChainSite = async (t: ExecutionContext): Promise<ChainSite | undefined> => {
  t.timeout(300_000);
  if (lacksOpenssl(t)) {
    return undefined;
  }
  const root = await scratch(t);
  const env = { HOME: root, XDG_CONFIG_HOME: join(root, 'config'), XDG_CACHE_HOME: join(root, 'cache') };
  const at = (...parts: string[]): string => join(root, ...parts);
  const run: ChainSite['run'] = async (words, code = 0) => {
    const done = await runCommand(words, { env });
    t.is(done.code, code, `${words.join(' ')}\n${done.stdout}\n${done.stderr}`);
    return done;
  };
  const authority = makeAuthority(at('ca'));
  const certificate = authority.issue('localhost');
  return {
    authority,
    certificate,
    tlsFlags: ['-tls-cert', certificate.certFile, '-tls-key', certificate.keyFile],
    at,
    run,
    serve: (words, more = {}) => startServer(t, ['serve', ...words], { env: { ...env, ...more } }),
    async makeKey(name) {
      const key = at(`${name}.key`);
      const words = ['--init', '--name', name, '--no-passphrase', '--algorithm', 'ed25519', '--key', key];
      const { stdout } = await run(['sign', ...words, '--json']);
      return (JSON.parse(stdout) as { fingerprint: string }).fingerprint;
    },
    async startProxy() {
      const [name = '', password = ''] = decodeURIComponent(proxyUser).split(':');
      const address = await startSquid(t, { name, password });
      await writeFile(at('proxy-password'), `${name}:${password}\n`);
      return address === undefined
        ? undefined
        : { address, flags: ['--proxy', address, '--proxy-auth-file', at('proxy-password')] };
    },
    async startGateway() {
      const gateway = await startTlsProxy({ ...certificate, ca: authority.cert });
      t.teardown(() => gateway.close());
      const flags = gatewayFlags(authority, authority.issue('carrier'));
      return {
        connects: gateway.connects,
        flags: ['--proxy', `https://localhost:${gateway.port}`, ...flags],
      };
    },
  };
};

/**
 * Fills a folder with packages of these names and versions: the shared ones where they are, else made ones. True where
 * they are the shared ones, whose answers are known.
 */
export const fillUpstream = async (
  t: ExecutionContext,
  folder: string,
  ids: readonly string[],
): Promise<boolean> => {
  await mkdir(folder, { recursive: true });
  const shared = sharedFolder('corpus', 'unpack') === undefined ? undefined : await unpackShared(t, 'lite');
  for (const id of ids) {
    const dash = id.indexOf('-');
    if (shared === undefined) {
      await writeZipPackage(folder, { name: id.slice(0, dash), version: id.slice(dash + 1) });
    } else {
      await copyFile(join(shared, `${id}.zip`), join(folder, `${id}.zip`));
    }
  }
  return shared !== undefined;
};

interface GoldenCase {
  readonly group: string;
  readonly path: string;
  readonly status: number;
}

/** Writes the known answers about these packages alone as a set of cases of its own; returns how many there are. */
export const selectGolden = async (folder: string, ids: ReadonlySet<string>): Promise<number> => {
  const golden = sharedFolder('golden', 'corpus') ?? '';
  const cases = (await readFile(join(golden, 'cases.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .filter((line) => {
      const { group, path, status } = JSON.parse(line) as GoldenCase;
      if (status !== 200 || !['package', 'file', 'archive'].includes(group)) {
        return false;
      }
      const [, name, version] = /^\/package\/([^/?]+)\/([^/?]+)/.exec(path) ?? [];
      const id = /^\/epr\/[^/]+\/([^/?]+)\.zip/.exec(path)?.[1] ?? `${name}-${version}`;
      return ids.has(id);
    });
  await mkdir(folder, { recursive: true });
  await symlink(join(golden, 'bodies'), join(folder, 'bodies'));
  await writeFile(join(folder, 'cases.jsonl'), `${cases.join('\n')}\n`);
  return cases.length;
};

/** `NAME-VERSION` of every package that a server lists, sorted. */
export const listed = async (url: string): Promise<string[]> => {
  const answer = await fetch(`${url}/search?all=true&prerelease=true`);
  const packages = (await answer.json()) as { readonly name: string; readonly version: string }[];
  return packages.map(({ name, version }) => `${name}-${version}`).toSorted();
};

/** Waits until a server lists just these; as long as the test may take, since how soon it looks is its own business. */
export const untilListed = async (url: string, ids: readonly string[]): Promise<void> => {
  const wanted = ids.toSorted().join();
  while ((await listed(url)).join() !== wanted) {
    await sleep(100);
  }
};

/** `NAME-VERSION` of the archives in a folder, sorted. */
export const archivesIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder))
    .filter((name) => name.endsWith('.zip'))
    .map((name) => name.slice(0, -'.zip'.length))
    .toSorted();

/** Whether a program can be started here. */
export const hasProgram = (name: string): boolean => {
  try {
    execFileSync(name, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { signatureOf } from '../support/armored.ts';
import { chain } from '../support/certificates.ts';
import { writeZipPackage } from '../support/packages.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { startSquid } from '../support/squid.ts';

interface Answer {
  readonly status: number;
  readonly url: string;
  readonly headers: { get(name: string): string | null };
  buffer(): Promise<Buffer>;
}
// The client that Kibana asks with; it has no types of its own.
const fetch = createRequire(import.meta.url)('node-fetch') as (
  url: string,
  options: { readonly headers: Readonly<Record<string, string>>; readonly agent: http.Agent | undefined },
) => Promise<Answer>;

// What Kibana shows of a package's files; it answers 400 for every other type.
const shownTypes = [
  'text/markdown',
  'image/svg+xml',
  'image/png',
  'text/yaml',
  'application/json',
  'text/plain',
];

let root = '';
test.before(async () => {
  root = await mkdtemp(join(tmpdir(), 'fleet-depot-flow-'));
  for (const version of ['1.0.0', '1.1.0', '2.0.0-beta.1']) {
    const archive = await writeZipPackage(root, { name: 'demo', version });
    await writeFile(`${archive}.sig`, await signatureOf('Elastic'));
  }
});
test.after.always(() => rm(root, { recursive: true, force: true }));

const serve = async (
  t: ExecutionContext,
  flags: Readonly<Record<string, string>> = {},
): Promise<TestServer> => {
  const server = await startServer({ packagePaths: [root], flags });
  t.teardown(() => server.close());
  return server;
};

interface Info {
  readonly version: string;
  readonly download: string;
  readonly signature_path: string;
  readonly readme: string;
  readonly icons: readonly { readonly src: string; readonly path: string }[];
}

/** All that Kibana asks to show and to install a package, each address put behind `base` as it is. */
const install = async (t: ExecutionContext, base: string, agent?: http.Agent): Promise<void> => {
  const ask = async (path: string, status = 200): Promise<{ body: Buffer; answer: Answer }> => {
    const headers = { 'User-Agent': 'Kibana/9.2.0 node-fetch' };
    const answer = await fetch(base + path, { headers, agent });
    t.is(answer.status, status, path);
    return { body: await answer.buffer(), answer };
  };
  const json = async <T>(path: string): Promise<T> => JSON.parse((await ask(path)).body.toString()) as T;
  const client = 'kibana.version=9.2.0&capabilities=apm%2Csecurity&spec.min=2.3&spec.max=3.6';
  t.is((await json<readonly Info[]>(`/search?${client}`)).length, 1);
  t.is((await json<readonly object[]>(`/categories?include_policy_templates=true&${client}`)).length, 1);
  t.deepEqual(await json(`/search?package=nosuch&prerelease=true&${client}`), []);
  const [latest] = await json<readonly Info[]>(`/search?package=demo&prerelease=false&${client}`);
  t.is(latest?.version, '1.1.0');
  const [beta] = await json<readonly Info[]>(`/search?package=demo&prerelease=true&${client}`);
  t.is(beta?.version, '2.0.0-beta.1');
  const [old] = await json<readonly Info[]>('/search?package=demo&internal=true&experimental=true');
  t.is(old?.version, '1.1.0');

  const info = await json<Info>('/package/demo/1.1.0/');
  t.deepEqual(await json<Info>('/package/demo/1.1.0'), info, 'as older versions ask, by a redirect');
  const { body, answer } = await ask(info.download);
  t.deepEqual(body, await readFile(join(root, 'demo-1.1.0.zip')));
  t.is(answer.headers.get('content-encoding'), null);
  t.is(Number(answer.headers.get('content-length')), body.length);
  t.true((await ask(info.signature_path)).body.toString().startsWith('-----BEGIN PGP SIGNATURE-----'));
  for (const path of [info.readme, info.icons[0]?.path ?? '', `/package/demo/1.1.0${info.icons[0]?.src}`]) {
    const type = (await ask(path)).answer.headers.get('content-type') ?? '';
    t.true(shownTypes.includes(type.split(';')[0] ?? ''), `${path}: ${type}`);
  }
  await ask('/package/demo/9.9.9/', 404);
  await ask('/epr/demo/demo-9.9.9.zip.sig', 404);
};

test('Kibana installs with the address as it is, and with a slash behind it', async (t) => {
  const { url } = await serve(t);
  await install(t, url);
  await install(t, `${url}/`);
});

test('Kibana installs below a prefix, with a slash behind it too', async (t) => {
  const { url } = await serve(t, { 'path-prefix': '/fleet/registry' });
  await install(t, `${url}/fleet/registry`);
  await install(t, `${url}/fleet/registry/`);
});

/** As Kibana's agent for http: the request line has the whole address, and the proxy gets it. */
const absoluteForm = (proxy: URL, onUse: () => void): http.Agent => {
  const agent = new http.Agent();
  const add = Reflect.get(agent, 'addRequest') as (request: http.ClientRequest, options: object) => void;
  Reflect.set(agent, 'addRequest', (request: http.ClientRequest, options: { host: string; port: number }) => {
    onUse();
    request.path = `http://${options.host}:${options.port}${request.path}`;
    add.call(agent, request, { ...options, host: proxy.hostname, port: Number(proxy.port) });
  });
  return agent;
};

/** As Kibana's agent for https: a tunnel by CONNECT, and TLS through it. */
const tunnel = (proxy: URL, ca: string, onUse: () => void): https.Agent => {
  const agent = new https.Agent({ ca });
  const open = (
    { host, port }: { host: string; port: number },
    done: (error: Error | null, socket?: Socket) => void,
  ): void => {
    const request = http.request({
      host: proxy.hostname,
      port: proxy.port,
      method: 'CONNECT',
      path: `${host}:${port}`,
    });
    request.once('connect', (response, socket) => {
      onUse();
      if (response.statusCode === 200) {
        done(null, connectTls({ socket, servername: host, ca }));
      } else {
        done(new Error(`CONNECT was answered ${response.statusCode}`));
      }
    });
    request.once('error', done);
    request.end();
  };
  Reflect.set(agent, 'createConnection', open);
  return agent;
};

test('Kibana installs through an http proxy from an http registry', async (t) => {
  const { url } = await serve(t);
  const squid = await startSquid(t);
  if (squid === undefined) {
    t.pass();
    return;
  }
  let asked = 0;
  const agent = absoluteForm(new URL(squid), () => {
    asked += 1;
  });
  await install(t, url, agent);
  await install(t, `${url}/`, agent);
  t.true(asked > 20);
});

test('Kibana installs through a tunnel from a registry with TLS', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'fleet-depot-flow-tls-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const files = await chain(folder);
  const { url } = await serve(t, { 'tls-cert': files.cert, 'tls-key': files.key });
  const squid = await startSquid(t);
  if (squid === undefined) {
    t.pass();
    return;
  }
  const base = url.replace('127.0.0.1', 'localhost');
  let tunnels = 0;
  const agent = tunnel(new URL(squid), await readFile(files.root, 'utf8'), () => {
    tunnels += 1;
  });
  await install(t, base, agent);
  t.true(tunnels > 0);
});

import { createServer } from 'node:http';
import { readFile, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { makeCredential, writeCredentials } from '../../src/artifacts/credential-file.ts';
import { doctor } from '../../src/cli/doctor.ts';
import { makeKey, signWith } from '../signing/made-keys.ts';
import { startServer } from '../support/command.ts';
import { startArtifacts } from '../support/artifact-server.ts';
import { selfSigned } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { writeZipPackage } from '../support/packages.ts';
import { agentPath, makeRelease, type Release } from '../support/release.ts';
import { scratch } from '../support/scratch.ts';
import { startSquid } from '../support/squid.ts';
import { buildZip } from '../support/zip-builder.ts';
import { runVerb } from './verb-run.ts';

interface Found {
  readonly ok: boolean;
  readonly findings: readonly {
    readonly check: string;
    readonly state: string;
    readonly note: string;
    readonly advice?: string;
  }[];
}

const examine = async (
  ...words: readonly string[]
): Promise<Found & { readonly exitCode: number | undefined; stateOf(check: string): string }> => {
  const run = await runVerb(doctor, [...words, '--json', '--retries', '0']);
  if (run.error) {
    throw run.error;
  }
  const found = JSON.parse(run.stdout) as Found;
  return {
    ...found,
    exitCode: run.exitCode,
    stateOf: (check) => {
      const one = found.findings.find((finding) => finding.check === check);
      return `${one?.state}: ${one?.note}`;
    },
  };
};

interface Site {
  readonly url: string;
  readonly keyFile: string;
  readonly otherKeyFile: string;
  readonly release: Release;
  readonly folder: string;
  /** Address of the listener of its own. */
  readonly own: string | undefined;
}

/** Packages, artifacts and keys, signed; `flags` on top. */
const startSite = async (
  t: ExecutionContext,
  flags: Readonly<Record<string, string>> = {},
): Promise<Site> => {
  const folder = await scratch(t);
  const release = await makeRelease(folder);
  await release.add(agentPath('9.2.1'));
  const packages = join(folder, 'packages');
  const zip = await writeZipPackage(packages);
  const site = await makeKey();
  await writeFile(`${zip}.sig`, await signWith(site, await readFile(zip)));
  const [keyFile, otherKeyFile] = [join(folder, 'site.asc'), join(folder, 'other.asc')];
  await writeFile(keyFile, site.armored);
  // The right key, but not as the first: Kibana would not look at it.
  await writeFile(otherKeyFile, `${(await makeKey()).armored}\n${site.armored}`);
  const { url, artifacts } = await startArtifacts(t, {
    'artifacts-rescan': '1s',
    'package-paths': packages,
    'artifacts-path': release.artifacts,
    'keys-path': release.keys,
    ...flags,
  });
  return { url, keyFile, otherKeyFile, release, folder, own: artifacts.address };
};

test('a good server has no failure, over TLS with its CA', async (t) => {
  const folder = await scratch(t);
  const tls = await selfSigned(folder, 'depot');
  const { url, keyFile } = await startSite(t, { 'tls-cert': tls.cert, 'tls-key': tls.key });
  const found = await examine(`${url}/`, '--ca', tls.cert, '--key', keyFile);
  t.is(found.exitCode, 0, JSON.stringify(found.findings, null, 1));
  for (const check of [
    'TLS',
    'clock',
    'proxy on the way',
    'trailing slash',
    'search',
    'absent package',
    'archive',
    'signature',
    'content types',
    'agent key',
    'fleet-server key',
    'agent artifact',
  ]) {
    t.regex(found.stateOf(check), /^ok/, check);
  }
});

test('an empty list is told with what was asked; Kibana 8 asks for no format, Kibana 9 does', async (t) => {
  const folder = await scratch(t);
  await writeZipPackage(folder, {
    name: 'old',
    version: '1.0.0',
    manifest: { format_version: '1.0.0', conditions: { 'kibana.version': '>=8.0.0' } },
  });
  const server = await startServer(t, ['serve', '-package-paths', folder, '-signature-policy', 'off']);
  t.is((await examine(server.url, '--kibana', '8.5.0')).stateOf('search'), 'ok: 1 package for Kibana 8.5.0');
  t.is(
    (await examine(server.url, '--kibana', '9.2.1')).stateOf('search'),
    'warning: there are no packages for Kibana 9.2.1: /search?kibana.version=9.2.1&spec.min=2.3&spec.max=3.6 is answered with an empty list',
  );
});

test('an unknown CA is one failure with the line that mends it', async (t) => {
  const folder = await scratch(t);
  const tls = await selfSigned(folder, 'depot');
  const { url } = await startSite(t, { 'tls-cert': tls.cert, 'tls-key': tls.key });
  const found = await examine(url);
  t.is(found.exitCode, 1);
  t.deepEqual(
    found.findings.filter(({ state }) => state === 'failed').map(({ check }) => check),
    ['TLS'],
  );
  t.regex(found.findings[0]?.advice ?? '', /NODE_EXTRA_CA_CERTS/);
});

test('a key that is not the first of its file fails, as in Kibana', async (t) => {
  const { url, otherKeyFile } = await startSite(t);
  const found = await examine(url, '--key', otherKeyFile);
  t.regex(found.stateOf('signature'), /^failed: signed by/);
  t.is(found.exitCode, 1);
});

test('an agent that is not there, or in quarantine, is told', async (t) => {
  const { url } = await startSite(t);
  const found = await examine(url, '--agent', '9.9.9');
  t.regex(found.stateOf('agent artifact'), /^failed: .*9\.9\.9.* is answered 404/);
});

test('a proxy on the way is seen', async (t) => {
  const proxy = await startSquid(t);
  const { url } = await startSite(t);
  if (proxy === undefined) {
    t.pass();
    return;
  }
  const found = await examine(url, '--proxy', proxy);
  t.regex(found.stateOf('proxy on the way'), /^warning: via: .*squid/);
  t.regex(found.stateOf('agent artifact'), /^ok/);
  t.regex((await examine(url)).stateOf('proxy on the way'), /^ok/);
});

test('a captive portal that answers everything with its page fails every check that counts', async (t) => {
  const portal = createServer((_request, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.setHeader('Via', '1.1 portal');
    response.setHeader('Date', new Date(Date.now() - 3_600_000).toUTCString());
    response.end('<!DOCTYPE html><title>Sign in</title>');
  });
  await new Promise<void>((resolve) => {
    portal.listen(0, '127.0.0.1', () => resolve());
  });
  t.teardown(() => portal.close());
  const found = await examine(`http://127.0.0.1:${(portal.address() as AddressInfo).port}`);
  t.is(found.exitCode, 1);
  t.regex(found.stateOf('search'), /^failed: \/search is answered 200, text\/html/);
  t.regex(found.stateOf('absent package'), /^failed/);
  t.regex(found.stateOf('agent key'), /^failed/);
  t.regex(found.stateOf('agent artifact'), /^(?:failed|warning)/);
  t.regex(found.stateOf('clock'), /^failed: the server is 3\d\d\d s behind/);
  t.regex(found.stateOf('proxy on the way'), /^warning: via: 1\.1 portal/);
});

/** Something on the way: hands answers of `url` on, as `change` makes them. */
const startFront = async (
  t: ExecutionContext,
  url: string,
  change: (path: string, answer: FrontAnswer) => FrontAnswer,
): Promise<string> => {
  const front = createServer((request, response) => {
    const path = request.url ?? '/';
    const relay = async (): Promise<void> => {
      const got = await fetch(url + path, { redirect: 'manual', headers: { 'accept-encoding': 'identity' } });
      const names = ['content-type', 'location', 'etag'];
      const headers = Object.fromEntries(
        names.flatMap((name) => (got.headers.has(name) ? [[name, got.headers.get(name) ?? '']] : [])),
      );
      const body = Buffer.from(await got.arrayBuffer());
      const answer = change(path, { status: got.status, headers, body });
      response.writeHead(answer.status, answer.headers);
      response.end(answer.body);
    };
    void relay();
  });
  await new Promise<void>((resolve) => {
    front.listen(0, '127.0.0.1', () => resolve());
  });
  t.teardown(() => front.close());
  return `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
};

interface FrontAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

test('compression on the way is found in archives, artifacts and the ETags of Defend, and borne elsewhere', async (t) => {
  const { url, keyFile, release } = await startSite(t);
  await release.put('endpoint/a-1', 'content');
  const content = JSON.stringify({ artifacts: { a: { relative_url: '/downloads/endpoint/a-1' } } });
  await release.put('endpoint/manifest/artifacts-9.2.1.zip', buildZip([{ name: 'manifest.json', content }]));
  await eventually(
    'the manifest is served',
    async () => (await fetch(`${url}/downloads/endpoint/manifest/artifacts-9.2.1.zip`)).ok,
  );
  t.regex((await examine(url)).stateOf('Defend manifest'), /^ok: artifacts-9\.2\.1\.zip, 1 file,/);
  const front = await startFront(t, url, (_path, { status, headers, body }) => ({
    status,
    headers: {
      ...headers,
      'content-encoding': 'gzip',
      ...(headers['etag'] === undefined ? {} : { etag: `W/${headers['etag']}` }),
    },
    body: gzipSync(body),
  }));
  const found = await examine(front, '--key', keyFile);
  t.regex(found.stateOf('archive'), /^failed: .* has Content-Encoding gzip/);
  t.regex(found.stateOf('agent artifact'), /^failed: .* has Content-Encoding gzip/);
  t.regex(found.stateOf('Defend manifest'), /^failed: .* has the ETag W\//);
  for (const check of [
    'search',
    'categories',
    'newest version',
    'agent key',
    'content types',
    'absent package',
  ]) {
    t.regex(found.stateOf(check), /^ok/, check);
  }
});

test('what a proxy takes away, cuts or calls otherwise is told with its path', async (t) => {
  const { url, keyFile } = await startSite(t);
  const examineWith = async (
    form: RegExp,
    change: (answer: FrontAnswer) => FrontAnswer,
  ): ReturnType<typeof examine> => {
    const front = await startFront(t, url, (path, answer) => (form.test(path) ? change(answer) : answer));
    return examine(front, '--key', keyFile);
  };
  const gone = await examineWith(/\.(?:sig|asc)$/, () => ({
    status: 404,
    headers: {},
    body: Buffer.from(''),
  }));
  t.regex(gone.stateOf('signature'), /^failed: .*\.sig is answered 404, though the package says/);
  t.regex(gone.stateOf('agent artifact'), /^failed: .*\.asc is answered 404/);
  const page = await examineWith(/\.sig$|GPG-KEY/, () => ({
    status: 200,
    headers: { 'content-type': 'text/html' },
    body: Buffer.from('<html>Sign in</html>'),
  }));
  t.regex(page.stateOf('signature'), /^failed: .* is no armored signature/);
  t.regex(page.stateOf('agent key'), /^failed: .* text\/html, 0 keys/);
  const cut = await examineWith(/\.(?:zip|gz)$/, (answer) => ({
    ...answer,
    body: answer.body.subarray(0, 300),
  }));
  t.regex(cut.stateOf('archive'), /^failed: .* gives 300 bytes without the end of a zip/);
  t.regex(cut.stateOf('agent artifact'), /^failed: .*: 300 bytes came with another digest/);
  const html = await examineWith(/\.(?:svg|png|md)$/, (answer) => ({
    ...answer,
    headers: { 'content-type': 'text/html' },
  }));
  t.regex(html.stateOf('content types'), /^failed: .*: text\/html/);
});

test('an address that is not reached is one failure, with what is wrong with it', async (t) => {
  const folder = await scratch(t);
  const tls = await selfSigned(folder, 'depot');
  const { url } = await startSite(t, { 'tls-cert': tls.cert, 'tls-key': tls.key });
  const other = await startSite(t);
  const cases: readonly (readonly [string, string, RegExp])[] = [
    [url.replace('https:', 'http:'), 'connection', /write https:/],
    [other.url.replace('http:', 'https:'), 'TLS', /write http:/],
    ['http://127.0.0.1:1', 'connection', /nothing listens there/],
    ['http://depot.invalid', 'connection', /does not know the name/],
  ];
  for (const [address, check, advice] of cases) {
    const found = await examine(address);
    t.is(found.exitCode, 1);
    const failures = found.findings.filter(({ state }) => state === 'failed');
    t.deepEqual(
      failures.map((one) => one.check),
      [check],
      address,
    );
    t.regex(failures[0]?.advice ?? '', advice, address);
  }
});

test('the artifact registry has an address and a TLS of its own', async (t) => {
  const folder = await scratch(t);
  const tls = await selfSigned(folder, 'depot');
  const { url, own } = await startSite(t, {
    'artifacts-address': '127.0.0.1:0',
    'artifacts-tls-cert': tls.cert,
    'artifacts-tls-key': tls.key,
  });
  const unknown = await examine(url, '--artifacts-url', own ?? '');
  t.regex(unknown.stateOf('TLS (artifacts)'), /^failed/);
  t.regex(unknown.stateOf('search'), /^ok/);
  t.is(
    unknown.findings.some(({ check }) => check === 'agent artifact'),
    false,
  );
  const known = await examine(url, '--artifacts-url', own ?? '', '--ca', tls.cert);
  t.regex(known.stateOf('TLS (artifacts)'), /^ok/);
  t.regex(known.stateOf('agent artifact'), /^ok/);
  t.is(known.exitCode, 0);
});

test('the newest agent by its version is tried, and no FIPS build; credentials are asked for where they are wanted', async (t) => {
  const { url, release, folder } = await startSite(t);
  await release.add(agentPath('9.10.0'));
  await release.add(agentPath('9.11.0').replace('elastic-agent-9', 'elastic-agent-fips-9'));
  await eventually(
    'the agent is served',
    async () => (await fetch(`${url}/downloads/${agentPath('9.10.0')}`)).ok,
  );
  t.regex((await examine(url)).stateOf('agent artifact'), /^ok: .*elastic-agent-9\.10\.0-linux/);
  const file = join(folder, 'credentials');
  await writeCredentials(file, [await makeCredential('fleet', 'apikey', 'secret', new Date())]);
  const guarded = await startSite(t, { 'artifacts-auth-file': file });
  const refused = await examine(guarded.url);
  t.regex(refused.stateOf('agent artifact'), /^failed: the listing is answered 401/);
  const header = `Authorization: ApiKey ${Buffer.from('fleet:secret').toString('base64')}`;
  t.regex((await examine(guarded.url, '--header', header)).stateOf('agent artifact'), /^ok/);
});

test('a prefix that redirects lead out of is found', async (t) => {
  const { url } = await startSite(t);
  const front = createServer((request, response) => {
    const path = (request.url ?? '').replace(/^\/registry/, '');
    const relay = async (): Promise<void> => {
      const answer = await fetch(url + path, {
        redirect: 'manual',
        headers: { 'accept-encoding': 'identity' },
      });
      const location = answer.headers.get('location');
      response.writeHead(answer.status, {
        'Content-Type': answer.headers.get('content-type') ?? 'text/plain',
        ...(location === null ? {} : { Location: location }),
      });
      response.end(Buffer.from(await answer.arrayBuffer()));
    };
    void relay();
  });
  await new Promise<void>((resolve) => {
    front.listen(0, '127.0.0.1', () => resolve());
  });
  t.teardown(() => front.close());
  const found = await examine(`http://127.0.0.1:${(front.address() as AddressInfo).port}/registry`);
  t.regex(found.stateOf('trailing slash'), /^failed: leads to \/search, out of the prefix \/registry/);
  t.regex(found.stateOf('archive'), /^ok/);
});

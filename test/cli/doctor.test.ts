import { createServer } from 'node:http';
import { readFile, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { doctor } from '../../src/cli/doctor.ts';
import { makeKey, signWith } from '../signing/made-keys.ts';
import { startArtifacts } from '../support/artifact-server.ts';
import { selfSigned } from '../support/certificates.ts';
import { writeZipPackage } from '../support/packages.ts';
import { agentPath, makeRelease } from '../support/release.ts';
import { scratch } from '../support/scratch.ts';
import { startSquid } from '../support/squid.ts';
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

/** Packages, artifacts and keys, signed; `flags` on top. */
const startSite = async (
  t: ExecutionContext,
  flags: Readonly<Record<string, string>> = {},
): Promise<{ readonly url: string; readonly keyFile: string; readonly otherKeyFile: string }> => {
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
  const { url } = await startArtifacts(t, {
    'package-paths': packages,
    'artifacts-path': release.artifacts,
    'keys-path': release.keys,
    ...flags,
  });
  return { url, keyFile, otherKeyFile };
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

import { createServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { keyFetch } from '../../../src/cli/keys/client.ts';
import { createKeysVerb } from '../../../src/cli/keys.ts';
import { lacksOpenssl, makeAuthority, type Authority } from '../../support/authority.ts';
import { scratch } from '../../support/scratch.ts';
import { freePort, gatewayFlags, startTlsProxy } from '../../support/tls-proxy.ts';
import { makeKey } from '../../signing/made-keys.ts';
import { runVerb, type VerbRun } from '../verb-run.ts';

const nobody = { interactive: false, confirm: async () => false, secret: async () => '' };

interface Place {
  readonly folder: string;
  readonly authority: Authority;
  readonly address: string;
  readonly fingerprint: string;
  readonly asked: string[];
  add(words: readonly string[], env?: NodeJS.ProcessEnv): Promise<VerbRun>;
}

/** A place that gives a key to who knows its password, with a certificate of its own CA. */
const startPlace = async (t: ExecutionContext): Promise<Place> => {
  const folder = await scratch(t);
  const authority = makeAuthority(join(folder, 'ca'));
  const key = await makeKey();
  const asked: string[] = [];
  const issued = authority.issue('localhost');
  const server = createServer({ key: issued.key, cert: issued.cert }, (request, response) => {
    asked.push(request.headers.authorization ?? '');
    if (request.url === '/key.asc') {
      response.end(key.armored);
    } else {
      response.writeHead(404).end('<html>');
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const verb = createKeysVerb({ openFetch: keyFetch, terminal: nobody });
  return {
    folder,
    authority,
    address: `localhost:${(server.address() as AddressInfo).port}`,
    fingerprint: key.fingerprint,
    asked,
    add: (words, env = {}) =>
      runVerb(verb, ['add', ...words, '--retries', '0'], {
        env: { EPR_KEYRING: join(folder, 'keyring'), ...env },
      }),
  };
};

test('a key is fetched with an own CA and a password, which no message shows', async (t) => {
  if (lacksOpenssl(t)) {
    return;
  }
  const { add, address, authority, fingerprint, asked } = await startPlace(t);
  const url = `https://carrier:geheim@${address}/key.asc`;
  const untrusted = await add([url, '--yes']);
  t.is(untrusted.error?.code, 'KEY_FETCH_FAILED');
  t.regex(untrusted.error?.message ?? '', /certificate is not trusted/);
  const missing = await add([url.replace('key.asc', 'none'), '--yes', '--ca', authority.file]);
  t.regex(missing.error?.message ?? '', /\/none: it answered 404/);
  const other = await add([url, '--expect', 'A'.repeat(40), '--ca', authority.file]);
  t.is(other.error?.code, 'KEY_FINGERPRINT');
  const added = await add([url, '--expect', fingerprint, '--ca', authority.file]);
  t.is(added.exitCode, 0, added.error?.message);
  t.true(asked.every((one) => one === `Basic ${Buffer.from('carrier:geheim').toString('base64')}`));
  for (const { stdout, stderr, error } of [untrusted, missing, other, added]) {
    t.false(`${stdout}${stderr}${error?.message}`.includes('geheim'));
  }
  const escaped = await add([`https://carrier:ge%heim@${address}/key.asc`, '--yes', '--ca', authority.file]);
  t.is(escaped.error?.code, 'USAGE');
  t.regex(escaped.error?.message ?? '', /\/key\.asc: a % in user or password must be written %25$/);
  const plain = await add([`http://${address}/key.asc`, '--yes']);
  t.regex(plain.error?.message ?? '', /only https addresses/);
});

test('a key is fetched through the proxy of the flags or of the environment', async (t) => {
  if (lacksOpenssl(t)) {
    return;
  }
  const { add, address, authority, fingerprint } = await startPlace(t);
  const gateway = authority.issue('localhost');
  const client = authority.issue('carrier');
  const proxy = await startTlsProxy({ ...gateway, ca: authority.cert });
  t.teardown(() => proxy.close());
  const words = [
    `https://${address}/key.asc`,
    '--expect',
    fingerprint,
    '--ca',
    authority.file,
    ...gatewayFlags(authority, client),
  ];
  const gate = `https://localhost:${proxy.port}`;
  t.is((await add([...words, '--proxy', gate])).exitCode, 0);
  t.is((await add(words, { HTTPS_PROXY: gate })).exitCode, 0);
  t.deepEqual(
    proxy.connects.map(({ target }) => target),
    [address, address],
  );
  const closed = await add(words, { HTTPS_PROXY: `http://127.0.0.1:${await freePort()}` });
  t.is(closed.error?.code, 'PROXY_REFUSED');
});

test('a fetch that waits for a silent host ends with Ctrl-C', async (t) => {
  const folder = await scratch(t);
  const stop = new AbortController();
  const silent = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    t.teardown(() => socket.destroy());
    stop.abort();
  });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  t.teardown(() => silent.close());
  const { port } = silent.address() as AddressInfo;
  const verb = createKeysVerb({ openFetch: keyFetch, terminal: nobody });
  const { error } = await runVerb(verb, ['add', `https://127.0.0.1:${port}/key.asc`, '--yes'], {
    env: { EPR_KEYRING: join(folder, 'keyring') },
    signal: stop.signal,
  });
  t.is(error?.code, 'INTERRUPTED');
});

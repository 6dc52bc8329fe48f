import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { makeCredential, writeCredentials } from '../../src/artifacts/credential-file.ts';
import { loadConfig } from '../../src/config/load.ts';
import { startArtifacts } from '../support/artifact-server.ts';
import { get } from '../support/client.ts';
import { eventually } from '../support/eventually.ts';
import { agentPath, makeRelease } from '../support/release.ts';
import { scratch } from '../support/scratch.ts';
import { startServer } from '../support/server.ts';

type Headers = Readonly<Record<string, string | readonly string[]>>;

const xForwardedFor = (value: string | readonly string[] | undefined): Headers =>
  value === undefined ? {} : { 'x-forwarded-for': value };

/** What the log says of who asked, for each of these headers in turn. */
const told = async (
  t: ExecutionContext,
  proxies: string,
  forwarded: readonly Headers[],
): Promise<readonly unknown[]> => {
  const server = await startServer({ flags: { 'trusted-proxies': proxies } });
  t.teardown(() => server.close());
  for (const [at, headers] of forwarded.entries()) {
    await get(server.url, `/?${at}`, { headers });
  }
  const lines = (): readonly (typeof server.lines)[number][] =>
    server.lines.filter(({ fields }) => fields['event.action'] === 'request');
  await eventually('all lines are written', () => lines().length === forwarded.length);
  return lines()
    .toSorted((a, b) => Number(a.fields['url.query']) - Number(b.fields['url.query']))
    .map(({ fields }) => fields['client.address']);
};

test('nobody is believed where no proxy is trusted', async (t) => {
  t.deepEqual(await told(t, '', [xForwardedFor('203.0.113.9')]), ['127.0.0.1']);
  t.deepEqual(
    await told(t, '10.0.0.0/8', [xForwardedFor('203.0.113.9')]),
    ['127.0.0.1'],
    'the connection is of none of them',
  );
});

test('of what a trusted proxy forwards the last address that is no trusted proxy counts, never what a client made up', async (t) => {
  const cases: readonly (readonly [string | readonly string[] | undefined, string])[] = [
    ['203.0.113.9', '203.0.113.9'],
    ['1.1.1.1, 203.0.113.9', '203.0.113.9'],
    ['1.1.1.1, 203.0.113.9, 10.1.2.3', '203.0.113.9'],
    [['1.1.1.1', '203.0.113.9'], '203.0.113.9'],
    ['2001:db8::7', '2001:db8::7'],
    ['[2001:db8::7]:4711', '2001:db8::7'],
    ['203.0.113.9:4711', '203.0.113.9'],
    ['10.4.4.4, 10.1.2.3', '10.4.4.4'],
    ['203.0.113.9, unknown', '127.0.0.1'],
    ['1.1.1.1, x"}, 10.1.2.3', '10.1.2.3'],
    ['', '127.0.0.1'],
    [undefined, '127.0.0.1'],
  ];
  t.deepEqual(
    await told(
      t,
      '127.0.0.1,10.0.0.0/8,::1',
      cases.map(([header]) => xForwardedFor(header)),
    ),
    cases.map(([, expected]) => expected),
  );
});

test('Forwarded is read likewise where there is no X-Forwarded-For', async (t) => {
  const cases: readonly (readonly [string, string])[] = [
    ['for=203.0.113.9', '203.0.113.9'],
    ['For=1.1.1.1, by=10.0.0.1;FOR="203.0.113.9:4711" ; proto=https', '203.0.113.9'],
    ['for=203.0.113.9, for="[2001:db8::7]:_http";host=depot, for=10.1.2.3', '2001:db8::7'],
    ['for=[2001:db8::7]', '2001:db8::7'],
    ['for="[2001:db8::7]", for="\\10.1.2.\\3"', '2001:db8::7'],
    ['for=1.1.1.1, for=unknown, for=10.1.2.3', '10.1.2.3'],
    ['for=1.1.1.1, for=_hidden', '127.0.0.1'],
    ['for=1.1.1.1, proto=https', '127.0.0.1'],
    ['for=203.0.113.9;for=1.1.1.1', '127.0.0.1'],
    ['for="1.1.1.1, for=203.0.113.9', '203.0.113.9'],
    ['for=", for="[2001:db8::7]:80"', '2001:db8::7'],
    ['for="203.0.113.9', '127.0.0.1'],
    ['host="a,b;for=1.1.1.1";for=203.0.113.9', '203.0.113.9'],
    ['', '127.0.0.1'],
  ];
  t.deepEqual(
    await told(
      t,
      '127.0.0.1,10.0.0.0/8,::1',
      cases.map(([forwarded]) => ({ forwarded })),
    ),
    cases.map(([, expected]) => expected),
  );
  const both = { forwarded: 'for=1.1.1.1', 'x-forwarded-for': '203.0.113.9' };
  t.deepEqual(await told(t, '127.0.0.1', [both]), ['203.0.113.9'], 'X-Forwarded-For wins');
  t.deepEqual(await told(t, '', [{ forwarded: 'for=1.1.1.1' }]), ['127.0.0.1'], 'nobody is trusted');
});

test('wrong credentials behind a trusted proxy are counted for each client, not for the proxy', async (t) => {
  const folder = await scratch(t);
  const release = await makeRelease(folder);
  await release.add(agentPath('9.2.1'));
  const file = join(folder, 'credentials');
  await writeCredentials(file, [await makeCredential('agents', 'basic', 'good', new Date(0))]);
  const { url } = await startArtifacts(t, {
    'artifacts-path': release.artifacts,
    'keys-path': release.keys,
    'artifacts-auth-file': file,
    'trusted-proxies': '127.0.0.1',
  });
  const ask = async (client: string, secret: string): Promise<number> => {
    const authorization = `Basic ${Buffer.from(`agents:${secret}`).toString('base64')}`;
    const headers = { authorization, 'x-forwarded-for': client };
    return (await get(url, `/downloads/${agentPath('9.2.1')}`, { headers })).status;
  };
  await eventually(
    'one client has guessed too often',
    async () => (await ask('203.0.113.9', 'a guess')) === 429,
  );
  t.is(await ask('203.0.113.10', 'good'), 200);
});

test('what is no address or network is refused by the name of the setting', async (t) => {
  for (const wrong of [
    'proxy.example',
    '10.0.0.0/33',
    '::1/129',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0/8',
    '/8',
  ]) {
    const loaded = loadConfig({ env: {}, flags: new Map([['trusted-proxies', `127.0.0.1,${wrong}`]]) });
    t.false(loaded.ok, wrong);
    const said = loaded.ok ? '' : loaded.problems.map(({ message }) => message).join();
    t.regex(said, /-trusted-proxies \(EPR_TRUSTED_PROXIES\)/);
    t.true(said.includes(`'${wrong}' is no IP address or network`), said);
  }
  const loaded = loadConfig({ env: { EPR_TRUSTED_PROXIES: '10.0.0.0/8, ::1' }, flags: new Map() });
  t.deepEqual(loaded.ok && loaded.config.trustedProxies, [
    { address: '10.0.0.0', bits: 8 },
    { address: '::1', bits: 128 },
  ]);
});

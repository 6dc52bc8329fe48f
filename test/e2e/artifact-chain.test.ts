import { readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import test from 'ava';
import { releaseFiles } from '../../src/artifacts/release-set.ts';
import { fetchFleetServerKey, upgradeAgent } from '../support/agent-client.ts';
import { createChainSite, proxyUser } from '../support/chain-site.ts';
import { startCuttingRelay } from '../support/cutting-relay.ts';
import { agentPath, artifactBytes } from '../support/release.ts';
import { treeOf } from '../support/release-site.ts';
import { pinnedKey, references, startReleaseUpstream } from '../support/release-upstream.ts';
import { installProductDocs, loadModel, updateEndpoint } from '../support/store-clients.ts';

const platforms = ['linux-x86_64', 'windows-x86_64'];
const suffixes = ['linux-x86_64.tar.gz', 'windows-x86_64.zip'];
const model = 'elser_model_2_linux-x86_64';

const definition = (versions: string): string =>
  `artifacts:\n  - versions: [${versions}]\n    platforms: [${platforms.join(', ')}]\ndefend: [9.2.1]\nmodels: [${model}]\ndocs: ["9.2"]\n`;

/** What an agent asks for, in its order. */
const asked = (version: string, suffix: string): string[] => [
  ...['', '.sha512', '.asc'].map((end) => `200 elastic-agent-${version}-${suffix}${end}`),
  '200 pgp-public-key',
];

test('a release goes from the public places to agents inside, over proxies and TLS, and what is broken is found first', async (t) => {
  const site = await createChainSite(t);
  if (!site) {
    return;
  }
  const { at, run, authority, certificate } = site;

  // Outside: the public places, over TLS by a CA of their own, with a whole release set of real names.
  const upstream = await startReleaseUpstream(t, certificate);
  const contents = new Map<string, Buffer>();
  for (const version of ['9.2.1', '9.2.2']) {
    for (const { path } of releaseFiles({ version, platforms })) {
      const size = path === agentPath(version) ? 5_000_000 : 3000;
      contents.set(path, await upstream.add(path, artifactBytes(path, size)));
    }
  }
  upstream.addDefend('9.2.1', { '/downloads/endpoint/global/rules-v1-1.0.93': Buffer.from('rules') });
  upstream.addModel(model, Buffer.alloc(1_500_000, 'w'));
  upstream.addDocs('9.2');
  await writeFile(at('site.yml'), definition('9.2.1') + pinnedKey(upstream) + references(upstream));

  // First through a proxy that asks for a password.
  const proxy = await site.startProxy();
  const sync = (words: readonly string[], code = 0): ReturnType<typeof run> =>
    run(['sync', at('site.yml'), '--to', at('out'), '--ca', authority.file, ...words], code);
  if (proxy) {
    await sync(['--proxy', proxy.address, '--retries', '0'], 1);
  }
  await sync(proxy?.flags ?? []);
  t.is(
    Object.keys(treeOf(at('out'))).length,
    25 * 3 + 1 + 2 + 3 + 4 + 1,
    'artifacts, key, Defend, model, docs, lock',
  );
  await writeFile(at('agents.asc'), upstream.key.armored);
  const { fingerprint } = upstream.key;
  await run(['keys', 'add', at('agents.asc'), '--keyring', at('outside-keys'), '--expect', fingerprint]);
  await run(['verify', at('out'), '--keyring', at('outside-keys')]);

  // Carried: signed, imported on another depot, which trusts the carrier alone.
  const carrier = await site.makeKey('carrier');
  await run(['bundle', 'create', '--from', at('out'), '--key', at('carrier.key'), '-o', at('one.tar')]);
  await run(['keys', 'add', at('carrier.pub.asc'), '--depot', at('depot'), '--expect', carrier]);
  await run(['bundle', 'import', at('one.tar'), '--into', at('depot')]);
  t.deepEqual(treeOf(at('depot', 'current')), treeOf(at('out')));
  const check = async (version: string, code: number): Promise<string> => {
    const words = [
      '--keys',
      at('depot', 'current', 'keys'),
      '--agent',
      version,
      '--platform',
      platforms.join(),
    ];
    return (await run(['artifacts', 'check', at('depot', 'current'), ...words], code)).stdout;
  };
  await check('9.2.1', 0);
  t.regex(await check('9.2.2', 1), /missing/);

  // Inside: packages on TLS, and artifacts beside them on a listener of their own, in plain HTTP.
  const current = (...parts: string[]): string => at('depot', 'current', ...parts);
  const server = await site.serve([
    '-package-paths',
    current(),
    '-artifacts-path',
    current(),
    '-keys-path',
    current('keys'),
    '-models-path',
    current('ml-models'),
    '-product-docs-path',
    current('product-docs'),
    '-artifacts-address',
    '127.0.0.1:0',
    '-artifacts-rescan',
    '1s',
    ...site.tlsFlags,
  ]);
  const plain = /artifacts at (http:\/\/[\d.:]+)/.exec(server.log())?.[1] ?? '';
  const ca = authority.cert;
  const withUser = proxy?.address.replace('//', `//${proxyUser}@`);
  const ways = [
    { name: 'plain HTTP', url: plain },
    { name: 'TLS', url: server.url, ca },
    ...(withUser === undefined
      ? []
      : [
          { name: 'plain HTTP through a proxy', url: plain, proxy: withUser },
          { name: 'TLS through a proxy', url: server.url, ca, proxy: withUser },
        ]),
  ];
  for (const { name, url, ...settings } of ways) {
    for (const suffix of suffixes) {
      // The first ask may come while the file is read: 503, and agents try again.
      const upgrade = await upgradeAgent(
        { sourceUri: `${url}/downloads/`, fleetServer: url, attempts: 8, ...settings },
        '9.2.1',
        suffix,
      );
      t.deepEqual(
        upgrade.asked.filter((one) => one.startsWith('200 ')),
        asked('9.2.1', suffix),
        name,
      );
      t.true(upgrade.content.equals(contents.get(agentPath('9.2.1', suffix)) ?? Buffer.alloc(0)), name);
    }
    t.is(await fetchFleetServerKey(`${url}/GPG-KEY-elastic-agent`, settings), upstream.key.armored, name);
  }
  // A wire that tears in the middle of the archive: from the first byte once more.
  const relay = await startCuttingRelay(t, plain, 1_000_000);
  const torn = await upgradeAgent(
    { sourceUri: `${relay}/downloads/`, fleetServer: plain },
    '9.2.1',
    suffixes[0] ?? '',
  );
  t.deepEqual(torn.asked, [
    `failed elastic-agent-9.2.1-${suffixes[0]}`,
    ...asked('9.2.1', suffixes[0] ?? ''),
  ]);
  // Absent: an agent gives up at once, without a second question.
  await t.throwsAsync(upgradeAgent({ sourceUri: `${plain}/downloads/` }, '9.2.2', suffixes[0] ?? ''), {
    message: /status code: 404/,
  });
  t.is((await updateEndpoint(plain, '9.2.1', undefined)).files.size, 1);
  t.deepEqual((await loadModel(`${plain}/ml-models`, model)).weights, upstream.files.get(`/${model}.pt`));
  await installProductDocs(`${plain}/product-docs`, 'kibana', '9.2');

  // The next version, through a gateway that demands a client certificate; only what is new is carried.
  await writeFile(at('site.yml'), definition('9.2.1, 9.2.2') + pinnedKey(upstream) + references(upstream));
  const gateway = await site.startGateway();
  await sync(gateway.flags);
  t.is(gateway.connects[0]?.subject, 'carrier');
  await run(['bundle', 'receipt', '--depot', at('depot'), '-o', at('receipt.txt')]);
  const bundled = [
    'bundle',
    'create',
    '--from',
    at('out'),
    '--since',
    at('receipt.txt'),
    '--key',
    at('carrier.key'),
  ];
  const { stdout } = await run([...bundled, '-o', at('two.tar'), '--json']);
  t.is(
    (JSON.parse(stdout) as { heldFiles: number }).heldFiles,
    25 * 3 + 1,
    'the new version and the lock file',
  );
  const planned = await run(
    [
      'plan',
      '--stack',
      '9.2.2',
      '--url',
      server.url,
      '--ca',
      authority.file,
      '--upstream',
      at('two.tar'),
      '--artifacts',
      current(),
      '--keys',
      current('keys'),
    ],
    1,
  );
  t.regex(
    planned.stdout,
    /elastic-agent-9\.2\.2-linux-x86_64\.tar\.gz is not here; it is in what --upstream names/,
  );
  await run(['bundle', 'import', at('two.tar'), '--into', at('depot')]);
  await check('9.2.2', 0);
  const next = `${plain}/downloads/${agentPath('9.2.2')}`;
  while ((await fetch(next, { method: 'HEAD' })).status !== 200) {
    await wait(100);
  }

  // One file of it is broken on purpose: it is found, and no client ever gets a byte of it. It was good until now: for a
  // moment it may be one that is being copied, which is passing trouble.
  const broken = current('downloads', agentPath('9.2.2', 'windows-x86_64.zip'));
  await rm(broken);
  await writeFile(broken, artifactBytes(broken));
  t.regex(await check('9.2.2', 1), /windows-x86_64\.zip has another content than its \.sha512 says/);
  await t.throwsAsync(
    upgradeAgent(
      { sourceUri: `${plain}/downloads/`, fleetServer: plain, attempts: 8 },
      '9.2.2',
      'windows-x86_64.zip',
    ),
    { message: /status code: (?:503|404)/ },
  );
  const good = await upgradeAgent(
    { sourceUri: `${plain}/downloads/`, fleetServer: plain, attempts: 8 },
    '9.2.2',
    suffixes[0] ?? '',
  );
  t.true(good.content.equals(contents.get(agentPath('9.2.2')) ?? Buffer.alloc(0)));
  t.is((await readFile(current('distribution.lock'), 'utf8')).includes('"9.2.2"'), true);
});

import { writeFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import test from 'ava';
import { releaseFiles } from '../../src/artifacts/release-set.ts';
import { createChainSite, fillUpstream, listed, untilListed } from '../support/chain-site.ts';
import { agentPath, artifactBytes } from '../support/release.ts';
import { pinnedKey, references, startReleaseUpstream } from '../support/release-upstream.ts';

const platforms = ['linux-x86_64'];
const model = 'elser_model_2_linux-x86_64';

test('packages, artifacts, keys and models of one definition go from depot to depot over TLS, and back together', async (t) => {
  const site = await createChainSite(t);
  if (!site) {
    return;
  }
  const { at, run, authority, certificate, tlsFlags } = site;

  // Outside: a registry and the public places, both over TLS, without a proxy between.
  await fillUpstream(t, at('registry'), ['apache-1.6.0', 'linux-0.6.8', 'linux-0.6.7']);
  const publisher = await site.makeKey('publisher');
  await run(['sign', at('registry'), '--key', at('publisher.key')]);
  await run(['keys', 'add', at('publisher.pub.asc'), '--keyring', at('keys'), '--expect', publisher]);
  const registry = await site.serve([
    '-package-paths',
    at('registry'),
    '-kibana-key',
    publisher,
    ...tlsFlags,
  ]);
  const release = await startReleaseUpstream(t, certificate);
  for (const version of ['9.2.1', '9.2.2']) {
    for (const { path } of releaseFiles({ version, platforms })) {
      await release.add(path, artifactBytes(path, path === agentPath(version) ? 5_000_000 : 3000));
    }
  }
  release.addModel(model, Buffer.alloc(1_500_000, 'w'));
  const define = (queries: string, versions: string): Promise<void> =>
    writeFile(
      at('site.yml'),
      `address: ${registry.url}\nqueries:\n${queries}artifacts:\n  - versions: [${versions}]\n    platforms: [${platforms.join()}]\nmodels: [${model}]\n` +
        pinnedKey(release) +
        references(release),
    );
  const sync = (): ReturnType<typeof run> =>
    run(['sync', at('site.yml'), '--to', at('first'), '--ca', authority.file, '--keyring', at('keys')]);
  const digest = async (depot: string): Promise<unknown> => {
    const { stdout } = await run(['snapshot', 'list', '--depot', at(depot), '--json']);
    return (JSON.parse(stdout) as { current: boolean; digest: string }[]).find(({ current }) => current)
      ?.digest;
  };
  const carry = async (file: string, ...since: string[]): Promise<void> => {
    const from = ['--from', at('first'), '--key', at('carrier.key'), '-o', at(file)];
    await run(['bundle', 'create', ...from, ...since]);
    await run(['bundle', 'import', at(file), '--into', at('second')]);
  };

  // Straight into a depot, and from that one on.
  await run(['snapshot', 'init', '--depot', at('first')]);
  await define('  - package: apache\n', '9.2.1');
  await sync();
  const carrier = await site.makeKey('carrier');
  await run(['keys', 'add', at('carrier.pub.asc'), '--depot', at('second'), '--expect', carrier]);
  await carry('one.tar');
  t.is(await digest('second'), await digest('first'));

  const current = (...parts: string[]): string => at('second', 'current', ...parts);
  const inside = await site.serve([
    '-package-paths',
    current(),
    '-signature-policy',
    'verified',
    '-keyring',
    at('keys'),
    '-artifacts-path',
    current(),
    '-keys-path',
    current('keys'),
    '-models-path',
    current('ml-models'),
    '-artifacts-rescan',
    '1s',
    '-poll-interval',
    '300ms',
  ]);
  const until = async (path: string, status: number): Promise<void> => {
    while ((await fetch(inside.url + path, { method: 'HEAD' })).status !== status) {
      await wait(100);
    }
    t.pass(path);
  };
  const agent = (version: string): string => `/downloads/${agentPath(version)}`;
  t.deepEqual(await listed(inside.url), ['apache-1.6.0']);
  await until(agent('9.2.1'), 200);
  await until(`/ml-models/${model}.pt`, 200);
  t.is(await (await fetch(`${inside.url}/GPG-KEY-elastic-agent`)).text(), release.key.armored);

  // More of everything, carried by what the second depot says that it has.
  await define(
    '  - package: apache\n  - package: linux\n    all: true\n    prerelease: true\n',
    '9.2.1, 9.2.2',
  );
  await sync();
  await run(['bundle', 'receipt', '--depot', at('second'), '-o', at('receipt.txt')]);
  await carry('two.tar', '--since', at('receipt.txt'));
  t.is(await digest('second'), await digest('first'));
  await untilListed(inside.url, ['apache-1.6.0', 'linux-0.6.7', 'linux-0.6.8']);
  await until(agent('9.2.2'), 200);

  // One step back takes both along.
  await run(['snapshot', 'rollback', '--depot', at('second')]);
  await untilListed(inside.url, ['apache-1.6.0']);
  await until(agent('9.2.2'), 404);
  await until(agent('9.2.1'), 200);

  // What the registry's key has signed is refused everywhere once it is revoked.
  await run(['keys', 'add', at('publisher.rev.asc'), '--keyring', at('keys')]);
  await untilListed(inside.url, []);
  await run(['verify', at('first'), '--keyring', at('keys')], 3);
  const refused = await run(
    ['sync', at('site.yml'), '--to', at('first'), '--ca', authority.file, '--keyring', at('keys')],
    3,
  );
  t.regex(refused.stdout + refused.stderr, /apache-1\.6\.0 +SIGNATURE_REFUSED.* was revoked/);
});

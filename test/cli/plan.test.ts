import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { loadBundle } from '../../src/cli/verb-loaders.ts';
import { plan } from '../../src/cli/plan.ts';
import { startArtifacts } from '../support/artifact-server.ts';
import { writeZipPackage } from '../support/packages.ts';
import { agentPath, makeRelease } from '../support/release.ts';
import { scratch } from '../support/scratch.ts';
import { startServer } from '../support/server.ts';
import { createPublisher } from '../support/signed-packages.ts';
import { runSyncVerb, writeDefinition } from '../support/sync-run.ts';
import { startUpstream } from '../support/upstream.ts';
import { runVerb } from './verb-run.ts';

interface Plan {
  readonly ready: boolean;
  readonly steps: readonly {
    readonly title: string;
    readonly state: string;
    readonly notes: readonly string[];
    readonly commands: readonly string[];
  }[];
  readonly settings: readonly { readonly place: string; readonly lines: readonly string[] }[];
}

test('the steps are in the order of the guide, each with what is missing', async (t) => {
  const folder = await scratch(t);
  const release = await makeRelease(folder);
  await release.add(agentPath('9.2.1'));
  const { url } = await startArtifacts(t, {
    'artifacts-path': release.artifacts,
    'keys-path': release.keys,
    'require-package-signatures': 'false',
  });
  const upstream = join(folder, 'upstream.json');
  await writeFile(
    upstream,
    JSON.stringify([
      { name: 'fleet_depot', version: '0.0.1' },
      { name: 'nginx', version: '2.3.4' },
    ]),
  );
  const env = {
    EPR_CACHE_DIR: join(folder, 'cache'),
    EPR_ARTIFACTS_PATH: release.artifacts,
    EPR_KEYS_PATH: release.keys,
  };
  const words = ['--stack', '9.2.1', '--url', `${url}/`, '--json'];
  const missing = await runVerb(plan, [...words, '--upstream', upstream], { env });
  t.is(missing.exitCode, 1);
  const told = JSON.parse(missing.stdout) as Plan;
  t.deepEqual(
    told.steps.map(({ title, state }) => [title, state]),
    [
      ['Package registry', 'missing'],
      ['Elasticsearch and Kibana 9.2.1', 'yours'],
      ['Artifact registry', 'ready'],
      ['Fleet Server 9.2.1', 'yours'],
      ['Agents 9.2.1', 'yours'],
    ],
  );
  t.true(told.steps[0]?.notes.includes('nginx 2.3.4 is missing'));
  t.false(told.steps[0]?.notes.some((note) => note.includes('fleet_depot')));
  const lines = told.settings.flatMap((one) => one.lines);
  for (const line of [
    `xpack.fleet.registryUrl: "${url}"`,
    'xpack.fleet.isAirGapped: true',
    `${url}/downloads/`,
    `server.pgp.upstream_url: "${url}/GPG-KEY-elastic-agent"`,
    `linux.advanced.artifacts.global.base_url: ${url}`,
    '# not served here: set -models-path',
  ]) {
    t.true(lines.includes(line), line);
  }
  await writeFile(upstream, JSON.stringify([{ name: 'fleet_depot', version: '0.0.1' }]));
  t.is((await runVerb(plan, [...words, '--upstream', upstream], { env })).exitCode, 0);
  const arm = await runVerb(plan, [...words, '--platform', 'linux-arm64'], { env });
  t.is(arm.exitCode, 1);
  t.regex(arm.stdout, /elastic-agent-9\.2\.1-linux-arm64\.tar\.gz is not here/);
});

test('the listener of its own is what agents and fleet-server are given, and TLS brings the CA line', async (t) => {
  const folder = await scratch(t);
  const release = await makeRelease(folder);
  const { stdout } = await runVerb(plan, ['--stack', '9.2.1', '--json', '--retries', '0'], {
    env: {
      EPR_ADDRESS: 'depot.invalid:8443',
      EPR_TLS_CERT: 'c.pem',
      EPR_TLS_KEY: 'k.pem',
      EPR_ARTIFACTS_PATH: release.artifacts,
      EPR_KEYS_PATH: release.keys,
      EPR_ARTIFACTS_ADDRESS: 'depot.invalid:8080',
      EPR_CACHE_DIR: join(folder, 'cache'),
    },
  });
  const { settings, steps } = JSON.parse(stdout) as Plan;
  const lines = settings.flatMap((one) => one.lines);
  t.true(lines.includes('xpack.fleet.registryUrl: "https://depot.invalid:8443"'));
  t.true(lines.includes('NODE_EXTRA_CA_CERTS=/etc/kibana/certs/depot-ca.pem'));
  t.true(lines.includes('http://depot.invalid:8080/downloads/'));
  t.is(steps[0]?.state, 'unknown', 'a registry that is not reached is no missing package');
});

test('a version that is none is refused', async (t) => {
  t.regex((await runVerb(plan, ['--stack', '9.2'])).error?.message ?? '', /is no version such as 9\.2\.1/);
});

test('a bundle, its contents page and a lock file say as well what must come in, packages and artifacts', async (t) => {
  const folder = await scratch(t);
  const [inside, outside] = [await makeRelease(join(folder, 'in')), join(folder, 'out')];
  const { url } = await startArtifacts(t, {
    'artifacts-path': inside.artifacts,
    'keys-path': inside.keys,
    'require-package-signatures': 'false',
  });
  await mkdir(join(outside, 'downloads', 'beats', 'elastic-agent'), { recursive: true });
  for (const path of [
    'fleet_depot-0.0.1.zip',
    'nginx-2.3.4.zip',
    'nginx-2.10.0.zip',
    'nginx-3.0.0-beta.1.zip',
    `downloads/${agentPath('9.2.1')}`,
  ]) {
    await writeFile(join(outside, path), path);
  }
  const carried = join(folder, 'carried.tar');
  t.is(
    (await runVerb(await loadBundle(), ['create', '--from', outside, '-o', carried, '--unsigned'])).exitCode,
    0,
  );
  const page = join(folder, 'CONTENTS.md');
  await writeFile(page, execFileSync('tar', ['xOf', carried, 'CONTENTS.md']));
  const lock = join(folder, 'distribution.lock');
  const packages = ['2.3.4', '2.10.0'].map((version) => ({
    name: 'nginx',
    version,
    sha256: 'a'.repeat(64),
    size: 1,
    source: 'https://registry.example/x.zip',
  }));
  await writeFile(
    lock,
    JSON.stringify({ lockVersion: 1, distribution: 'x', address: 'https://registry.example/', packages }),
  );
  const ask = async (upstream: string): Promise<Plan> => {
    const { exitCode, stdout } = await runVerb(
      plan,
      ['--stack', '9.2.1', '--url', url, '--json', '--upstream', upstream],
      {
        env: {
          EPR_CACHE_DIR: join(folder, 'cache'),
          EPR_ARTIFACTS_PATH: inside.artifacts,
          EPR_KEYS_PATH: inside.keys,
        },
      },
    );
    t.is(exitCode, 1);
    return JSON.parse(stdout) as Plan;
  };
  for (const upstream of [carried, page, lock]) {
    const [step] = (await ask(upstream)).steps;
    const notes = step?.notes ?? [];
    t.is(step?.state, 'missing');
    t.true(notes.includes('nginx 2.10.0 is missing'), `${upstream}: ${notes.join()}`);
    t.true(notes.some((note) => note.includes('does not say which Kibana')));
    t.false(notes.some((note) => note.includes('fleet_depot')));
  }
  const { steps } = await ask(carried);
  t.true(
    steps[0]?.commands.some(
      (command) => command === `fleet-depot bundle import ${carried} --into /path/to/depot`,
    ),
  );
  t.regex(
    steps[2]?.notes[0] ?? '',
    /elastic-agent-9\.2\.1-linux-x86_64\.tar\.gz is not here.*; it is in what --upstream names/,
  );
  t.deepEqual(steps[2]?.commands, steps[0]?.commands);
  const broken = join(folder, 'broken.tar');
  await writeFile(broken, execFileSync('tar', ['cf', '-', '-C', outside, 'nginx-2.3.4.zip']));
  t.is((await ask(broken)).steps[0]?.state, 'unknown');
});

test('of a bundle, its page and a lock file the newest version that suits the new Kibana is missing', async (t) => {
  const folder = await scratch(t);
  const release = await makeRelease(join(folder, 'in'));
  const { url } = await startArtifacts(t, {
    'artifacts-path': release.artifacts,
    'require-package-signatures': 'false',
  });
  const offered = [
    ['nginx', '1.0.0', '^8.0.0 || ^9.0.0'],
    ['nginx', '2.3.4', '^9.2.0'],
    ['nginx', '2.10.0', '^9.3.0'],
    ['future', '1.0.0', '>=10.0.0'],
    ['anywhere', '3.0.0', undefined],
  ] as const;
  const outside = join(folder, 'out');
  const publisher = await createPublisher();
  const registry = await startUpstream(t);
  for (const [name, version, kibana] of offered) {
    const conditions = kibana === undefined ? undefined : { kibana: { version: kibana } };
    await writeZipPackage(outside, { name, version, manifest: { conditions } });
    registry.offer(await publisher.make(name, version, kibana === undefined ? {} : { kibana }));
  }
  const carried = join(folder, 'carried.tar');
  t.is(
    (await runVerb(await loadBundle(), ['create', '--from', outside, '-o', carried, '--unsigned'])).exitCode,
    0,
  );
  const page = join(folder, 'CONTENTS.md');
  await writeFile(page, execFileSync('tar', ['xOf', carried, 'CONTENTS.md']));
  const to = join(folder, 'to');
  const definition = writeDefinition(join(folder, 'def'), registry.address);
  const synced = await runSyncVerb([definition, '--to', to], { key: publisher.publicKey });
  t.is(synced.exitCode, 0, synced.stderr);
  const missing = async (upstream: string, stack: string): Promise<readonly string[]> => {
    const words = ['--stack', stack, '--url', url, '--json', '--upstream', upstream];
    const { stdout } = await runVerb(plan, words, { env: { EPR_CACHE_DIR: join(folder, 'cache') } });
    // The first note tells how many packages are here.
    return (JSON.parse(stdout) as Plan).steps[0]?.notes.slice(1) ?? [];
  };
  for (const upstream of [carried, page, join(to, 'distribution.lock')]) {
    t.deepEqual(
      await missing(upstream, '9.2.1'),
      ['anywhere 3.0.0 is missing', 'nginx 2.3.4 is missing'],
      upstream,
    );
    t.deepEqual(
      await missing(upstream, '9.1.0'),
      ['anywhere 3.0.0 is missing', 'nginx 1.0.0 is missing'],
      upstream,
    );
  }
});

test('what a search hides, since it is experimental, is not missing where it is served', async (t) => {
  const folder = await scratch(t);
  const packages = join(folder, 'packages');
  const manifest = { release: 'experimental' };
  await writeZipPackage(packages, { name: 'early', version: '0.1.0', manifest });
  const server = await startServer({
    packagePaths: [packages],
    flags: { 'require-package-signatures': 'false' },
  });
  t.teardown(() => server.close());
  await server.app.ready;
  const lock = join(folder, 'distribution.lock');
  const listed = ['early', 'other'].map((name) => ({
    name,
    version: '0.1.0',
    sha256: '0'.repeat(64),
    size: 1,
    source: `https://registry.example/epr/${name}/${name}-0.1.0.zip`,
  }));
  const address = 'https://registry.example/';
  await writeFile(lock, JSON.stringify({ lockVersion: 1, distribution: 'x', address, packages: listed }));
  const words = ['--stack', '9.2.1', '--url', server.url, '--json', '--upstream', lock];
  const { stdout } = await runVerb(plan, words, { env: { EPR_CACHE_DIR: join(folder, 'cache') } });
  const notes = (JSON.parse(stdout) as Plan).steps[0]?.notes ?? [];
  t.deepEqual(
    notes.filter((note) => note.endsWith('is missing')),
    ['other 0.1.0 is missing'],
  );
});

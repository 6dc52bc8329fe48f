import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { plan } from '../../src/cli/plan.ts';
import { startArtifacts } from '../support/artifact-server.ts';
import { agentPath, makeRelease } from '../support/release.ts';
import { scratch } from '../support/scratch.ts';
import { runVerb } from './verb-run.ts';

interface Plan {
  readonly ready: boolean;
  readonly steps: readonly {
    readonly title: string;
    readonly state: string;
    readonly notes: readonly string[];
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

import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { artifacts } from '../../src/cli/artifacts.ts';
import { loadBundle } from '../../src/cli/verb-loaders.ts';
import { releaseFiles } from '../../src/artifacts/release-set.ts';
import { fetchFleetServerKey, upgradeAgent } from '../support/agent-client.ts';
import { startArtifacts } from '../support/artifact-server.ts';
import { artifactBytes, makeRelease } from '../support/release.ts';
import { scratch } from '../support/scratch.ts';
import { runSyncVerb } from '../support/sync-run.ts';
import { runVerb } from './verb-run.ts';

test('a whole release set is synced, bundled, imported, checked, served; a file broken on purpose is found first', async (t) => {
  const folder = await scratch(t);
  const release = await makeRelease(folder);
  for (const { path } of releaseFiles({ version: '9.2.1', platforms: ['linux-x86_64', 'windows-x86_64'] })) {
    await release.add(path);
  }
  const upstream = await startArtifacts(t, {
    'artifacts-path': release.artifacts,
    'keys-path': release.keys,
  });
  const definition = join(folder, 'site.yml');
  await writeFile(
    definition,
    `artifacts:\n  - version: 9.2.1\n    platforms: [linux-x86_64, windows-x86_64]\nkeys:\n  - name: GPG-KEY-elastic-agent\n    fingerprint: ${release.key.fingerprint}\nreferences:\n  artifacts: ${upstream.url}\n  agent-key: ${upstream.url}/GPG-KEY-elastic-agent\n`,
  );
  const outside = join(folder, 'outside');
  const synced = await runSyncVerb([definition, '--artifacts-to', outside, '--quiet'], { key: '' });
  t.is(synced.exitCode, 0, synced.stderr);

  const carried = join(folder, 'release.bundle');
  const depot = join(folder, 'depot');
  const made = await runVerb(await loadBundle(), ['create', '--from', outside, '-o', carried, '--unsigned']);
  t.is(made.exitCode, 0, made.stderr);
  const taken = await runVerb(await loadBundle(), ['import', carried, '--into', depot, '--allow-unsigned']);
  t.is(taken.exitCode, 0, taken.stderr);

  const site = join(depot, 'current');
  const env = { EPR_CACHE_DIR: join(folder, 'cache') };
  const check = (): ReturnType<typeof runVerb> =>
    runVerb(
      artifacts,
      [
        'check',
        site,
        '--keys',
        join(site, 'keys'),
        '--agent',
        '9.2.1',
        '--platform',
        'linux-x86_64,windows-x86_64',
        '--full',
      ],
      { env },
    );
  t.is((await check()).exitCode, 0);
  const server = await startArtifacts(t, { 'artifacts-path': site, 'keys-path': join(site, 'keys') });
  for (const suffix of ['linux-x86_64.tar.gz', 'windows-x86_64.zip']) {
    const settings = { sourceUri: `${server.url}/downloads/`, fleetServer: server.url };
    t.is((await upgradeAgent(settings, '9.2.1', suffix)).asked.length, 4);
  }
  t.is(await fetchFleetServerKey(`${server.url}/GPG-KEY-elastic-agent`), release.key.armored);

  const broken = join(site, 'downloads', 'beats', 'elastic-agent', 'elastic-agent-9.2.1-windows-x86_64.zip');
  await rm(broken);
  await writeFile(broken, artifactBytes(broken));
  const found = await check();
  t.is(found.exitCode, 1);
  t.regex(
    found.stdout,
    /elastic-agent-9\.2\.1-windows-x86_64\.zip has another content than its \.sha512 says/,
  );
  await server.rescan();
  t.is(
    (await fetch(`${server.url}/downloads/beats/elastic-agent/elastic-agent-9.2.1-windows-x86_64.zip`))
      .status,
    503,
    'it was good until now: for a minute it may be one that is being copied',
  );
});

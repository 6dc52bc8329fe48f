import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { artifacts } from '../../src/cli/artifacts.ts';
import { upgradeAgent } from '../support/agent-client.ts';
import { startArtifacts } from '../support/artifact-server.ts';
import { agentPath, artifactBytes, makeRelease } from '../support/release.ts';
import { scratch } from '../support/scratch.ts';
import { runSyncVerb } from '../support/sync-run.ts';
import { buildZip } from '../support/zip-builder.ts';
import { runVerb } from './verb-run.ts';

test('a release is synced from an upstream, checked, served and taken by an agent; a broken file never arrives', async (t) => {
  const folder = await scratch(t);
  const release = await makeRelease(folder);
  const linux = agentPath('9.2.1');
  const windows = agentPath('9.2.1', 'windows-x86_64.zip');
  const content = await release.add(linux, artifactBytes(linux, 3_000_000));
  await release.add(windows);
  await release.add('fleet-server/fleet-server-9.2.1-linux-x86_64.tar.gz');
  const blob = '/downloads/endpoint/global/abc';
  await release.put(
    'endpoint/manifest/artifacts-9.2.1.zip',
    buildZip([
      { name: 'manifest.json', content: JSON.stringify({ artifacts: { a: { relative_url: blob } } }) },
    ]),
  );
  await release.put('endpoint/global/abc', 'blob');
  const upstream = await startArtifacts(t, {
    'artifacts-path': release.artifacts,
    'keys-path': release.keys,
    'artifact-policy': 'lenient',
  });
  const definition = join(folder, 'site.yml');
  await writeFile(
    definition,
    [
      'artifacts:',
      '  - version: 9.2.1',
      '    platforms: [linux-x86_64, windows-x86_64]',
      '    names: [elastic-agent]',
      '  - versions: [9.2.1]',
      '    platforms: linux-x86_64',
      '    names: [fleet-server]',
      'keys:',
      '  - name: GPG-KEY-elastic-agent',
      `    fingerprint: "${release.key.fingerprint}"`,
      'defend: [9.2.1]',
      'references:',
      `  artifacts: ${upstream.url}`,
      `  agent-key: ${upstream.url}/GPG-KEY-elastic-agent`,
    ].join('\n'),
  );
  const to = join(folder, 'site');
  const sync = (): ReturnType<typeof runSyncVerb> =>
    runSyncVerb([definition, '--artifacts-to', to, '--quiet'], { key: '' });
  const firstRun = await sync();
  t.is(firstRun.exitCode, 0, firstRun.stderr);
  t.regex(firstRun.stderr, /artifacts: 12 fetched .*, 0 kept, 0 deleted, 0 failed/);
  t.regex((await sync()).stderr, /artifacts: 0 fetched .*, 12 kept, 0 deleted, 0 failed/);
  const flags = { 'artifacts-path': to, 'keys-path': join(to, 'keys') };
  const site = await startArtifacts(t, flags);
  const upgrade = await upgradeAgent(
    { sourceUri: `${site.url}/downloads/`, fleetServer: site.url },
    '9.2.1',
    'linux-x86_64.tar.gz',
  );
  t.true(upgrade.content.equals(content));
  t.is(await (await fetch(site.url + blob)).text(), 'blob');

  await rm(join(to, 'downloads', windows));
  await release.put(windows, artifactBytes(windows));
  await upstream.rescan();
  const broken = await sync();
  t.is(broken.exitCode, 3);
  t.regex(
    broken.stderr,
    /downloads\/beats\/elastic-agent\/elastic-agent-9\.2\.1-windows-x86_64\.zip +ARCHIVE_MISMATCH .*another digest/,
  );
  t.false(
    (await readdir(join(to, 'downloads', 'beats', 'elastic-agent'))).includes(
      windows.split('/').at(-1) ?? '',
    ),
  );
  const check = await runVerb(
    artifacts,
    [
      'check',
      to,
      '--keys',
      join(to, 'keys'),
      '--agent',
      '9.2.1',
      '--platform',
      'linux-x86_64,windows-x86_64',
    ],
    { env: { EPR_CACHE_DIR: join(folder, 'cache') } },
  );
  t.is(check.exitCode, 1);
  t.regex(check.stdout, /missing\s+\S+windows-x86_64\.zip/);
});

test('what is wrong in a definition is told by its line', async (t) => {
  const folder = await scratch(t);
  const definition = join(folder, 'site.yml');
  await writeFile(
    definition,
    'artifacts:\n  - version: ../9\n    platforms: [linux-amd64]\nkeys:\n  - other\n  - name: x.asc\n    url: https://x.example/x\n    fingerprint: D27D666CD88E42B4\nmodels: ["../x"]\ndocs: [9]\nreferences:\n  artifacts: file:///x\n',
  );
  const { error } = await runSyncVerb([definition, '--artifacts-to', folder], { key: '' });
  for (const part of [
    /line 2: '\.\.\/9' is not a version/,
    /'linux-amd64' is not a platform/,
    /where is other\?/,
    /'D27D666CD88E42B4' is not a full fingerprint/,
    /'\.\.\/x' is not the name of a model/,
    /'9' is not a version \(major\.minor\)/,
    /'artifacts' must be an http/,
  ]) {
    t.regex(error?.message ?? '', part);
  }
});

import test from 'ava';
import { parseArtifactName } from '../../src/artifacts/artifact-name.ts';
import { agentPlatforms, releaseFiles } from '../../src/artifacts/release-set.ts';

test('names of the artifact registry are taken apart', (t) => {
  const cases = [
    ['elastic-agent-9.2.1-linux-x86_64.tar.gz', 'elastic-agent', '9.2.1', 'linux-x86_64', 'tar.gz'],
    [
      'elastic-agent-9.2.1-SNAPSHOT-windows-x86_64.zip',
      'elastic-agent',
      '9.2.1-SNAPSHOT',
      'windows-x86_64',
      'zip',
    ],
    [
      'elastic-agent-9.2.1+build202511010000-darwin-aarch64.tar.gz',
      'elastic-agent',
      '9.2.1+build202511010000',
      'darwin-aarch64',
      'tar.gz',
    ],
    ['elastic-agent-fips-9.2.1-linux-arm64.tar.gz', 'elastic-agent-fips', '9.2.1', 'linux-arm64', 'tar.gz'],
    [
      'pf-elastic-collector-8.17.0-linux-x86_64.tar.gz',
      'pf-elastic-collector',
      '8.17.0',
      'linux-x86_64',
      'tar.gz',
    ],
    ['elastic-agent-8.17.0-amd64.deb', 'elastic-agent', '8.17.0', 'amd64', 'deb'],
    ['elastic-agent-8.17.0-x86_64.rpm', 'elastic-agent', '8.17.0', 'x86_64', 'rpm'],
    ['elastic-agent-9.0.0-beta1-windows-x86_64.msi', 'elastic-agent', '9.0.0-beta1', 'windows-x86_64', 'msi'],
    [
      'elastic-agent-9.2.1-docker-image-linux-amd64.tar.gz',
      'elastic-agent',
      '9.2.1',
      'docker-image-linux-amd64',
      'tar.gz',
    ],
  ] as const;
  for (const [file, name, version, platform, type] of cases) {
    t.deepEqual(parseArtifactName(file), { name, version, platform, type });
  }
});

test('other names are none', (t) => {
  for (const file of [
    'index.html',
    'elastic-agent-9.2-linux-x86_64.tar.gz',
    'elastic-agent-9.2.1.tar.gz',
    '',
    '-9.2.1-linux.zip',
    'elastic-agent-9.2.1-linux-x86_64.tgz',
    'elastic-agent-9.2.1-../x.zip',
  ]) {
    t.is(parseArtifactName(file), undefined, file);
  }
});

test('every file of the release set has a name that can be read, in the archive form of its platform', (t) => {
  const files = releaseFiles({
    version: '9.2.1',
    platforms: Object.keys(agentPlatforms),
    packages: ['tar.gz', 'zip', 'deb', 'rpm', 'msi'],
  });
  t.true(files.length > 80);
  t.is(new Set(files.map(({ path }) => path)).size, files.length);
  for (const { path, name } of files) {
    t.is(parseArtifactName(path.split('/').at(-1) ?? '')?.name, name, path);
  }
});

test("the guide's list for Linux is complete", (t) => {
  const paths = releaseFiles({ version: '9.2.1', platforms: ['linux-x86_64'] }).map(({ path }) => path);
  t.deepEqual(
    paths.toSorted(),
    [
      'apm-server/apm-server',
      'beats/auditbeat/auditbeat',
      'beats/elastic-agent/elastic-agent',
      'beats/filebeat/filebeat',
      'beats/heartbeat/heartbeat',
      'beats/metricbeat/metricbeat',
      'beats/osquerybeat/osquerybeat',
      'beats/packetbeat/packetbeat',
      'cloudbeat/cloudbeat',
      'endpoint-dev/endpoint-security',
      'fleet-server/fleet-server',
      'prodfiler/pf-host-agent',
      'prodfiler/pf-elastic-collector',
      'prodfiler/pf-elastic-symbolizer',
    ]
      .map((path) => `${path}-9.2.1-linux-x86_64.tar.gz`)
      .toSorted(),
  );
});

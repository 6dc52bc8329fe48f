import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';
import { artifacts } from '../../src/cli/artifacts.ts';
import { isSecretOf, readCredentials } from '../../src/artifacts/credential-file.ts';
import { releaseFiles } from '../../src/artifacts/release-set.ts';
import { agentPath, artifactBytes, makeRelease } from '../support/release.ts';
import { scratch } from '../support/scratch.ts';
import { runVerb } from './verb-run.ts';

test('the question whether agents can upgrade is answered with yes, and with what is missing', async (t) => {
  const folder = await scratch(t);
  const release = await makeRelease(folder);
  const env = { EPR_KEYS_PATH: release.keys, EPR_CACHE_DIR: join(folder, 'cache') };
  await release.add(agentPath('9.2.1'));
  const check = (...more: readonly string[]): ReturnType<typeof runVerb> =>
    runVerb(artifacts, ['check', release.artifacts, '--agent', '9.2.1', ...more], { env });
  const yes = await check();
  t.is(yes.exitCode, 0, yes.stdout);
  t.regex(yes.stdout, /Yes: agents on linux-x86_64 can upgrade to 9\.2\.1/);
  const no = await check('--platform', 'linux-x86_64,windows-x86_64');
  t.is(no.exitCode, 1);
  t.regex(
    no.stdout,
    /missing\s+\/downloads\/beats\/elastic-agent\/elastic-agent-9\.2\.1-windows-x86_64\.zip/,
  );
  t.true(
    no.stdout.includes(
      `curl -fL --create-dirs -o ${release.artifacts}/downloads/beats/elastic-agent/elastic-agent-9.2.1-windows-x86_64.zip.asc https://artifacts.elastic.co/downloads/`,
    ),
  );
  await rm(join(release.keys, 'GPG-KEY-elastic-agent'));
  t.regex((await check()).stdout, /missing\s+\/GPG-KEY-elastic-agent/);
});

test('of a whole release set the one file that is broken is found before any client sees it', async (t) => {
  const folder = await scratch(t);
  const release = await makeRelease(folder);
  const platforms = ['linux-x86_64', 'linux-arm64', 'windows-x86_64', 'darwin-aarch64'];
  const files = releaseFiles({ version: '9.2.1', platforms, packages: ['tar.gz', 'zip', 'deb', 'rpm'] });
  for (const { path } of files) {
    await release.add(path);
  }
  const env = {
    EPR_ARTIFACTS_PATH: release.artifacts,
    EPR_KEYS_PATH: release.keys,
    EPR_CACHE_DIR: join(folder, 'cache'),
  };
  const check = ['check', '--agent', '9.2.1', '--platform', platforms.join(','), '--full', '--json'];
  const whole = await runVerb(artifacts, check, { env });
  t.is(whole.exitCode, 0, whole.stdout.slice(0, 500));
  const broken = agentPath('9.2.1', 'linux-arm64.tar.gz');
  await release.put(broken, artifactBytes(broken));
  const found = await runVerb(artifacts, check, { env });
  t.is(found.exitCode, 1);
  const report = JSON.parse(found.stdout) as {
    quarantine: { path: string }[];
    upgrade: { isComplete: boolean; requirements: { path: string; state: string; commands: string[] }[] };
  };
  t.deepEqual(
    report.quarantine.map(({ path }) => path),
    ['', '.asc', '.sha512']
      .map((end) => `/downloads/${broken}${end}`)
      .toSorted((a, b) => (a.length === b.length ? 0 : a < b ? -1 : 1)),
  );
  t.deepEqual(
    report.upgrade.requirements
      .filter(({ state }) => state !== 'good')
      .map(({ path, state }) => [path, state]),
    [[`/downloads/${broken}`, 'refused']],
  );
});

test('without a version everything is checked and listed by release', async (t) => {
  const folder = await scratch(t);
  const release = await makeRelease(folder);
  await release.add(agentPath('9.2.1'));
  await release.add('fleet-server/fleet-server-9.2.2-linux-x86_64.tar.gz');
  await release.put(`${agentPath('9.2.1')}.sha512`, 'x');
  const env = { EPR_CACHE_DIR: join(folder, 'cache') };
  const run = await runVerb(artifacts, ['check', release.artifacts, '--keys', release.keys], { env });
  t.is(run.exitCode, 1);
  t.regex(
    run.stdout,
    /elastic-agent-9\.2\.1-linux-x86_64\.tar\.gz has a \.sha512 that has a line with one field/,
  );
  t.regex(run.stdout, /9\.2\.1\s+linux-x86_64\s+0\s+1\s+NO/);
  t.regex(run.stdout, /9\.2\.2\s+linux-x86_64\s+1\s+0\s+NO/);
});

test('snapshots come from the build that the public address names', async (t) => {
  const folder = await scratch(t);
  const env = { EPR_CACHE_DIR: join(folder, 'cache') };
  const words = ['check', folder, '--agent', '9.3.0-SNAPSHOT', '--platform', 'linux-arm64'];
  const { stdout, exitCode } = await runVerb(artifacts, words, { env });
  t.is(exitCode, 1);
  const file = 'downloads/beats/elastic-agent/elastic-agent-9.3.0-SNAPSHOT-linux-arm64.tar.gz';
  t.true(
    stdout.includes(`-o ${folder}/${file}.asc https://snapshots.elastic.co/"$BUILD"/${file}.asc\n`),
    stdout,
  );
  const [line = ''] = /BUILD=.*/.exec(stdout) ?? [];
  const answer = '{\n "version" : "9.3.0-SNAPSHOT",\n "build_id" : "9.3.0-3f4a1b2c", "manifest_url" : "x" }';
  const run = spawnSync('sh', ['-c', `curl() { echo '${answer}'; }; ${line}; echo "$BUILD"`], {
    encoding: 'utf8',
  });
  t.is(run.stdout, '9.3.0-3f4a1b2c\n');
});

test('wrong words are refused with what would be right', async (t) => {
  t.regex(
    (await runVerb(artifacts, ['check'])).error?.message ?? '',
    /name the folder, or set EPR_ARTIFACTS_PATH/,
  );
  t.regex(
    (await runVerb(artifacts, ['check', '.', '--platform', 'linux-amd64'])).error?.message ?? '',
    /'linux-amd64' is not one of linux-x86_64/,
  );
  t.regex(
    (await runVerb(artifacts, ['check', '.', '--agent', '../9'])).error?.message ?? '',
    /is no version/,
  );
  t.regex((await runVerb(artifacts, ['auth', 'list'])).error?.message ?? '', /--file/);
  t.regex(
    (await runVerb(artifacts, ['auth', 'add', 'a:b', '--file', 'x'])).error?.message ?? '',
    /is no name/,
  );
});

test('credentials are added, replaced, listed and removed; the file has no secret and is for its owner alone', async (t) => {
  const file = join(await scratch(t), 'credentials');
  const auth = (...words: readonly string[]): ReturnType<typeof runVerb> =>
    runVerb(artifacts, ['auth', ...words], { env: { EPR_ARTIFACTS_AUTH_FILE: file } });
  const password = (await auth('add', 'agents')).stdout.trim();
  const [first] = await readCredentials(file);
  t.true(await isSecretOf(first, password));
  t.false(await isSecretOf(first, `${password}x`));
  t.false((await readFile(file, 'utf8')).includes(password));
  t.is((await stat(file)).mode & 0o777, 0o600);
  const key = Buffer.from((await auth('add', 'fleet', '--api-key')).stdout.trim(), 'base64').toString();
  t.regex(key, /^fleet:[\w-]{32}$/);
  const given = join(await scratch(t), 'password');
  await writeFile(given, 'my own password\n');
  t.is((await auth('add', 'agents', '--password-file', given)).stdout, '');
  t.true(
    await isSecretOf(
      (await readCredentials(file)).find(({ name }) => name === 'agents'),
      'my own password',
    ),
  );
  const list = (await auth('list')).stdout;
  t.regex(list, /agents\s+user\s+20/);
  t.regex(list, /fleet\s+API key/);
  await auth('remove', 'agents');
  t.deepEqual(
    (await readCredentials(file)).map(({ name }) => name),
    ['fleet'],
  );
  t.regex((await auth('remove', 'agents')).error?.message ?? '', /nobody called 'agents'/);
});

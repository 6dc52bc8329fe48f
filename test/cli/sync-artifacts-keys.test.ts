import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import * as openpgp from 'openpgp';
import { makeKey } from '../signing/made-keys.ts';
import { pinnedKey, references } from '../support/release-upstream.ts';
import {
  agents,
  createReleaseSite,
  linuxAgent,
  windowsAgent,
  type ReleaseRun,
} from '../support/release-site.ts';
import { sharedFolder } from '../support/shared.ts';
import { runSyncVerb } from '../support/sync-run.ts';

const unpinned = 'keys: [GPG-KEY-elastic-agent]\n';
const keyFile = 'keys/GPG-KEY-elastic-agent';

test('a key that nobody has confirmed is not taken, and the error says how to accept it', async (t) => {
  const { run, define, upstream, to, definition } = await createReleaseSite(t);
  await upstream.add(linuxAgent);
  await upstream.add(windowsAgent);
  await define(agents, unpinned);
  const { exitCode, artifacts } = await run();
  t.is(exitCode, 1);
  const refusal = artifacts.report.failed.find(({ label }) => label === keyFile);
  t.is(refusal?.code, 'KEY_UNPINNED');
  const line = /`(fingerprint: "[0-9A-F ]+")`/.exec(refusal?.reason ?? '')?.[1] ?? '';
  t.is(line.replaceAll(/[^0-9A-F]/g, ''), upstream.key.fingerprint);
  await t.throwsAsync(stat(join(to, keyFile)));
  t.false(
    upstream.requests.some((one) => one.startsWith('GET') && one.endsWith('.tar.gz')),
    'nothing large is fetched in vain',
  );

  // What it says is done as it says it.
  await define(agents, `keys:\n  - name: GPG-KEY-elastic-agent\n    ${line}\n`);
  t.is((await run()).exitCode, 0);
  t.is(await readFile(join(to, keyFile), 'utf8'), upstream.key.armored);

  // A key of the keyring needs no pin.
  await define(agents, unpinned);
  const trusted = await runSyncVerb([definition, '--to', `${to}-2`, '--json'], { key: upstream.key.armored });
  t.is(trusted.exitCode, 0, trusted.stderr);
});

test('a foreign key under a pinned name is refused, and the one that is here stays', async (t) => {
  const { run, define, upstream, to } = await createReleaseSite(t);
  await upstream.add(linuxAgent);
  await upstream.add(windowsAgent);
  await define(agents);
  await run();
  const stranger = await makeKey();
  upstream.files.set('/GPG-KEY-elastic-agent', Buffer.from(stranger.armored));
  const { exitCode, artifacts } = await run();
  t.is(exitCode, 3, 'what is here and good stays so');
  t.like(artifacts.report.failed, [{ label: keyFile, code: 'KEY_FINGERPRINT' }]);
  t.is(await readFile(join(to, keyFile), 'utf8'), upstream.key.armored);

  upstream.files.set('/GPG-KEY-elastic-agent', Buffer.from(`${upstream.key.armored}\n${stranger.armored}`));
  t.is(
    (await run()).artifacts.report.failed[0]?.code,
    'KEY_FINGERPRINT',
    'a stranger beside the known key too',
  );
});

test('a web page, a binary key, a private key and nothing at all are no keys', async (t) => {
  const { run, define, upstream, to } = await createReleaseSite(t);
  await define('');
  const refused = async (content: string | Uint8Array): Promise<string> => {
    upstream.files.set('/GPG-KEY-elastic-agent', Buffer.from(content));
    const { exitCode, artifacts } = await run();
    t.is(exitCode, 1);
    const [first] = artifacts.report.failed;
    return `${first?.code} ${first?.reason}`;
  };
  t.regex(await refused('<!DOCTYPE html><title>Sign in</title>'), /KEY_INVALID .*is a web page, not a key/);
  t.regex(await refused(upstream.key.publicKey.write()), /KEY_INVALID .*binary key.*ASCII armor/);
  t.regex(await refused(upstream.key.privateKey.armor()), /KEY_SECRET/);
  t.regex(await refused(''), /KEY_INVALID .*no OpenPGP public key/);
  upstream.files.delete('/GPG-KEY-elastic-agent');
  t.regex((await run()).artifacts.report.failed[0]?.reason ?? '', /does not have it \(404\)/);
  await t.throwsAsync(stat(join(to, keyFile)));
});

test("Elastic's published key is known by its fingerprint, under whichever name it comes", async (t) => {
  const shared = sharedFolder('keys', 'elastic.asc');
  if (shared === undefined) {
    t.log('skipped: the shared keys are not here');
    t.pass();
    return;
  }
  const { run, upstream, to, definition } = await createReleaseSite(t);
  const armored = await readFile(shared);
  upstream.files.set('/GPG-KEY-elastic-agent', armored);
  upstream.files.set('/GPG-KEY-elasticsearch', armored);
  await writeFile(
    definition,
    `keys:\n  - GPG-KEY-elastic-agent\n  - name: GPG-KEY-elasticsearch\n    url: ${upstream.url}/GPG-KEY-elasticsearch\n${references(upstream)}`,
  );
  const { exitCode, stderr } = await run();
  t.is(exitCode, 0, stderr);
  t.deepEqual(await readFile(join(to, 'keys/GPG-KEY-elasticsearch')), armored);
});

test('artifacts signed by a key that is not trusted are refused before anything large is fetched', async (t) => {
  const { run, define, upstream } = await createReleaseSite(t);
  const stranger = await makeKey();
  await upstream.add(linuxAgent, undefined, stranger);
  await upstream.add(windowsAgent);
  await define(agents, pinnedKey(upstream));
  const { exitCode, artifacts } = await run();
  t.is(exitCode, 3);
  t.like(artifacts.report.failed, [{ label: `downloads/${linuxAgent}`, code: 'SIGNATURE_REFUSED' }]);
  t.regex(artifacts.report.failed[0]?.reason ?? '', /not in the keyring/);
  t.false(upstream.requests.includes(`GET /downloads/${linuxAgent}`));
  const lenient = await run('--no-require-signature');
  t.is(lenient.exitCode, 0, lenient.stderr);
  t.regex(lenient.artifacts.report.warnings[0]?.reason ?? '', /signature not verified/);
  const strict = await run();
  t.is(strict.exitCode, 3, 'what was taken without a good signature is no good where one is asked for');
});

test('artifacts whose key is revoked by now are not kept, but looked at again and refused', async (t) => {
  const { define, definition, upstream, to } = await createReleaseSite(t);
  await upstream.add(linuxAgent);
  await upstream.add(windowsAgent);
  await define(agents, '');
  const words = [definition, '--to', to, '--json'];
  const first = await runSyncVerb(words, { key: upstream.key.armored });
  t.is(first.exitCode, 0, first.stderr);
  const { publicKey: revoked } = await openpgp.revokeKey({
    key: upstream.key.privateKey,
    format: 'armored',
  });
  const again = await runSyncVerb(words, { key: revoked });
  t.is(again.exitCode, 1);
  const { artifacts } = JSON.parse(again.stdout) as Pick<ReleaseRun, 'artifacts'>;
  t.deepEqual(artifacts.report.kept, []);
  t.deepEqual(
    artifacts.report.failed.map(({ label, code }) => `${label} ${code}`).toSorted(),
    [linuxAgent, windowsAgent].map((path) => `downloads/${path} SIGNATURE_REFUSED`).toSorted(),
  );
  t.regex(artifacts.report.failed[0]?.reason ?? '', /was revoked/);
  t.true((await readFile(join(to, 'downloads', linuxAgent))).length > 0, 'nothing is deleted by itself');
});

test('artifacts of a key that was taken away are refused as packages are; of one that only cannot be asked for now they are kept', async (t) => {
  const { run, define, upstream, to } = await createReleaseSite(t);
  await upstream.add(linuxAgent);
  await upstream.add(windowsAgent);
  await define(agents, pinnedKey(upstream));
  t.is((await run()).exitCode, 0);
  const kept = await run();
  t.is(kept.exitCode, 0, kept.stderr);
  t.true(kept.artifacts.report.kept.includes(`downloads/${linuxAgent}`));

  upstream.files.delete('/GPG-KEY-elastic-agent');
  const away = await run();
  t.deepEqual(
    away.artifacts.report.failed.map(({ label, code }) => `${label} ${code}`),
    [`${keyFile} UPSTREAM_ANSWER`],
  );
  t.true(away.artifacts.report.kept.includes(`downloads/${linuxAgent}`));

  // Nobody wants its key any more: another one is pinned, and comes.
  const next = await makeKey();
  upstream.files.set('/GPG-KEY-elastic-agent', Buffer.from(next.armored));
  await define(agents, pinnedKey({ ...upstream, key: next }));
  const refused = await run();
  t.deepEqual(
    refused.artifacts.report.failed.map(({ label, code }) => `${label} ${code}`).toSorted(),
    [linuxAgent, windowsAgent].map((path) => `downloads/${path} SIGNATURE_REFUSED`).toSorted(),
  );
  t.true((await readFile(join(to, 'downloads', linuxAgent))).length > 0, 'nothing is deleted by itself');
  await upstream.add(linuxAgent, undefined, next);
  await upstream.add(windowsAgent, undefined, next);
  t.is((await run()).exitCode, 0, 'signed by the other one they come');
});

test('a key of `keys:` that its owner has revoked vouches for nothing that is here', async (t) => {
  const { run, define, upstream } = await createReleaseSite(t);
  await upstream.add(linuxAgent);
  await upstream.add(windowsAgent);
  await define(agents, pinnedKey(upstream));
  t.is((await run()).exitCode, 0);
  const { publicKey } = await openpgp.revokeKey({ key: upstream.key.privateKey, format: 'armored' });
  upstream.files.set('/GPG-KEY-elastic-agent', Buffer.from(publicKey));
  const { artifacts } = await run();
  t.deepEqual(
    artifacts.report.failed.map(({ label, code }) => `${label} ${code}`).toSorted(),
    [
      ...[linuxAgent, windowsAgent].map((path) => `downloads/${path} SIGNATURE_REFUSED`),
      `${keyFile} KEY_UNUSABLE`,
    ].toSorted(),
  );
});

test('a revocation that comes with `keys:` counts for a key that the keyring still takes for good, and the other way round', async (t) => {
  const { define, definition, upstream, to } = await createReleaseSite(t);
  await upstream.add(linuxAgent);
  await upstream.add(windowsAgent);
  await define(agents, unpinned);
  const good = upstream.key.armored;
  const { publicKey: revoked } = await openpgp.revokeKey({
    key: upstream.key.privateKey,
    format: 'armored',
  });
  const sync = async (folder: string, key: string, served: string): Promise<readonly string[]> => {
    upstream.files.set('/GPG-KEY-elastic-agent', Buffer.from(served));
    const { stdout } = await runSyncVerb([definition, '--to', folder, '--json'], { key });
    const { artifacts } = JSON.parse(stdout) as Pick<ReleaseRun, 'artifacts'>;
    return artifacts.report.failed.map(({ label, code }) => `${label} ${code}`).toSorted();
  };
  t.deepEqual(await sync(to, good, good), []);
  const refused = [linuxAgent, windowsAgent].map((path) => `downloads/${path} SIGNATURE_REFUSED`);
  const all = [...refused, `${keyFile} KEY_UNUSABLE`].toSorted();
  t.deepEqual(await sync(to, good, revoked), all, 'what is here');
  t.deepEqual(await sync(`${to}-new`, good, revoked), all, 'what comes');
  t.deepEqual(await sync(`${to}-other`, revoked, good), all);
});

import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import test from 'ava';
import { createAttemptLimit } from '../../src/artifacts/attempt-limit.ts';
import { makeCredential, writeCredentials } from '../../src/artifacts/credential-file.ts';
import { openGatekeeper } from '../../src/artifacts/gatekeeper.ts';
import { startArtifacts } from '../support/artifact-server.ts';
import { createKeptLog } from '../support/kept-log.ts';
import { agentPath, makeRelease } from '../support/release.ts';
import { scratch } from '../support/scratch.ts';

const encode = (text: string): string => Buffer.from(text).toString('base64');
const now = new Date('2026-01-01T00:00:00Z');

test('with credentials only who shows one gets artifacts; keys stay public', async (t) => {
  const folder = await scratch(t);
  const release = await makeRelease(folder);
  await release.add(agentPath('9.2.1'));
  const file = join(folder, 'credentials');
  await writeCredentials(file, [
    await makeCredential('agents', 'basic', 'pass:word', now),
    await makeCredential('fleet', 'apikey', 'secret', now),
  ]);
  const { url, lines } = await startArtifacts(t, {
    'artifacts-path': release.artifacts,
    'keys-path': release.keys,
    'artifacts-auth-file': file,
  });
  const ask = async (authorization?: string): Promise<Response> =>
    fetch(
      `${url}/downloads/${agentPath('9.2.1')}`,
      authorization === undefined ? {} : { headers: { authorization } },
    );
  const refused = await ask();
  t.is(refused.status, 401);
  t.regex(refused.headers.get('www-authenticate') ?? '', /Basic realm=.*ApiKey/);
  t.is((await ask(`Basic ${encode('agents:pass:word')}`)).status, 200);
  t.is((await ask(`Basic ${encode('agents:pass:word')}`)).status, 200, 'known by now');
  t.is((await ask(`ApiKey ${encode('fleet:secret')}`)).status, 200);
  t.is((await ask(`ApiKey ${encode('agents:pass:word')}`)).status, 401, 'a user is no key');
  t.is((await ask(`Basic ${encode('agents:wrong')}`)).status, 401);
  t.is((await ask(`Basic ${encode('nobody:wrong')}`)).status, 401);
  t.is((await ask('Bearer x')).status, 401);
  t.is((await fetch(`${url}/downloads/`)).status, 401);
  t.is((await fetch(`${url}/downloads/absent`)).status, 401, 'nothing is told of what is there');
  t.is((await fetch(`${url}/GPG-KEY-elastic-agent`)).status, 200);
  t.is((await fetch(`${url}/api/agents/upgrades/9.2.1/pgp-public-key`)).status, 200);
  t.is((await fetch(`${url}/search`)).status, 200);
  const log = JSON.stringify(lines);
  t.false(
    ['pass:word', 'secret', encode('agents:pass:word'), encode('fleet:secret')].some((text) =>
      log.includes(text),
    ),
  );
});

test('wrong credentials by the thousand end in 429 and cost little; good ones of others still count', async (t) => {
  const file = join(await scratch(t), 'credentials');
  await writeCredentials(file, [await makeCredential('agents', 'basic', 'good', now)]);
  let time = 0;
  const gatekeeper = await openGatekeeper(file, createKeptLog(), { now: () => time });
  const codes = new Map<string, number>();
  for (let at = 0; at < 5000; at += 1) {
    const code = await gatekeeper
      .admit(`Basic ${encode(`agents:${at}`)}`, '10.0.0.1')
      .catch((error: { code: string }) => error.code);
    codes.set(code, (codes.get(code) ?? 0) + 1);
  }
  t.deepEqual(Object.fromEntries(codes), { CREDENTIALS_WANTED: 10, CREDENTIALS_LIMITED: 4990 });
  t.is(await gatekeeper.admit(`Basic ${encode('agents:good')}`, '10.0.0.2'), 'agents');
  t.is(
    await gatekeeper.admit(`Basic ${encode('agents:good')}`, '10.0.0.1'),
    'agents',
    'known credentials are never limited',
  );
  time = 7000;
  await t.throwsAsync(gatekeeper.admit(`Basic ${encode('agents:x')}`, '10.0.0.1'), {
    code: 'CREDENTIALS_WANTED',
  });
  await t.throwsAsync(gatekeeper.admit(`Basic ${encode('agents:y')}`, '10.0.0.1'), {
    code: 'CREDENTIALS_LIMITED',
  });
});

test('what a client has guessed at another process counts as well', async (t) => {
  const file = join(await scratch(t), 'credentials');
  await writeCredentials(file, [await makeCredential('agents', 'basic', 'good', now)]);
  const told: string[] = [];
  const gatekeeper = await openGatekeeper(file, createKeptLog(), {
    now: () => 0,
    onFailure: (client) => told.push(client),
  });
  for (let at = 0; at < 9; at += 1) {
    gatekeeper.failedElsewhere('10.0.0.1');
  }
  const guess = `Basic ${encode('agents:bad')}`;
  await t.throwsAsync(gatekeeper.admit(guess, '10.0.0.1'), { code: 'CREDENTIALS_WANTED' });
  await t.throwsAsync(gatekeeper.admit(guess, '10.0.0.1'), { code: 'CREDENTIALS_LIMITED' });
  t.deepEqual(told, ['10.0.0.1'], 'only what was computed here');
});

test('guesses that come all at once do not pile up', async (t) => {
  const file = join(await scratch(t), 'credentials');
  await writeCredentials(file, [await makeCredential('agents', 'basic', 'good', now)]);
  const gatekeeper = await openGatekeeper(file, createKeptLog());
  const outcomes = await Promise.all(
    Array.from({ length: 500 }, (_, at) =>
      gatekeeper
        .admit(`Basic ${encode(`agents:${at}`)}`, `10.0.0.${at}`)
        .catch((error: { code: string }) => error.code),
    ),
  );
  t.is(outcomes.filter((code) => code === 'CREDENTIALS_WANTED').length, 8);
  t.is(outcomes.filter((code) => code === 'CREDENTIALS_LIMITED').length, 492);
});

test('guesses of one client at the same time are borne no more than one after the other', async (t) => {
  const file = join(await scratch(t), 'credentials');
  await writeCredentials(file, [await makeCredential('agents', 'basic', 'good', now)]);
  const gatekeeper = await openGatekeeper(file, createKeptLog(), { now: () => 0 });
  for (let at = 0; at < 8; at += 1) {
    gatekeeper.failedElsewhere('10.0.0.1');
  }
  const outcomes = await Promise.all(
    Array.from({ length: 7 }, (_, at) =>
      gatekeeper
        .admit(`Basic ${encode(`agents:${at}`)}`, '10.0.0.1')
        .catch((error: { code: string }) => error.code),
    ),
  );
  t.is(outcomes.filter((code) => code === 'CREDENTIALS_WANTED').length, 2);
  t.is(outcomes.filter((code) => code === 'CREDENTIALS_LIMITED').length, 5);
  t.is(await gatekeeper.admit(`Basic ${encode('agents:good')}`, '10.0.0.2'), 'agents');
});

test('agents that come all at once with the same good credential are all let in', async (t) => {
  const file = join(await scratch(t), 'credentials');
  await writeCredentials(file, [await makeCredential('fleet', 'apikey', 'good', now)]);
  const gatekeeper = await openGatekeeper(file, createKeptLog());
  const names = await Promise.all(
    Array.from({ length: 500 }, (_, at) =>
      gatekeeper.admit(`ApiKey ${encode('fleet:good')}`, `10.0.${at % 7}.${at}`),
    ),
  );
  t.deepEqual(new Set(names), new Set(['fleet']));
});

test('a bucket fills again and the memory of clients is bounded', (t) => {
  let time = 0;
  const limit = createAttemptLimit({ burst: 3, refill: 1000, now: () => time });
  for (let at = 0; at < 3; at += 1) {
    t.true(limit.allows('a'));
    limit.failed('a');
  }
  t.false(limit.allows('a'));
  time = 1000;
  t.true(limit.allows('a'));
  for (let at = 0; at < 20_000; at += 1) {
    limit.failed(`client ${at}`);
  }
  t.true(limit.allows('a'), 'forgotten for those that failed later');
});

test('a clock that is set back locks out nobody', (t) => {
  const limit = createAttemptLimit({ burst: 10, refill: 6000 });
  limit.failed('a');
  const wall = Date.now;
  try {
    Date.now = () => wall() - 86_400_000;
    t.true(limit.allows('a'));
  } finally {
    Date.now = wall;
  }
});

test('a credential file that is missing or broken keeps the server from starting', async (t) => {
  const folder = await scratch(t);
  const flags = { 'keys-path': folder, 'artifacts-auth-file': join(folder, 'credentials') };
  await t.throwsAsync(startArtifacts(t, flags), {
    message: /^-artifacts-auth-file \(EPR_ARTIFACTS_AUTH_FILE\): .*credentials: cannot be read/,
  });
  for (const text of [
    'hello\n',
    'null\n',
    '{"name":"a","scheme":"basic"}\n',
    '{"name":"a:b","scheme":"basic","salt":"","hash":""}\n',
  ]) {
    await writeFile(flags['artifacts-auth-file'], text);
    await t.throwsAsync(startArtifacts(t, flags), { message: /line 1 is no credential/ });
  }
  const later = { ...(await makeCredential('a', 'basic', 'x', now)), until: '2030-01-01T00:00:00Z' };
  await writeFile(flags['artifacts-auth-file'], `${JSON.stringify(later)}\n`);
  await t.throwsAsync(startArtifacts(t, flags), {
    message: /line 1 has `until`, which this version doesn't know; a newer/,
  });
});

test('a changed file counts at the next look; a broken one leaves the old', async (t) => {
  const file = join(await scratch(t), 'credentials');
  const log = createKeptLog();
  await writeCredentials(file, [await makeCredential('old', 'basic', 'x', now)]);
  const gatekeeper = await openGatekeeper(file, log);
  await gatekeeper.admit(`Basic ${encode('old:x')}`, 'a');
  await writeFile(file, 'broken, and longer than before');
  await gatekeeper.refresh();
  t.is(await gatekeeper.admit(`Basic ${encode('old:x')}`, 'a'), 'old');
  t.regex(log.lines.at(-1)?.message ?? '', /stay as they were/);
  await writeCredentials(file, [await makeCredential('new', 'basic', 'x', now)]);
  await gatekeeper.refresh();
  await t.throwsAsync(gatekeeper.admit(`Basic ${encode('old:x')}`, 'a'), { code: 'CREDENTIALS_WANTED' });
  t.is(await gatekeeper.admit(`Basic ${encode('new:x')}`, 'a'), 'new');
});

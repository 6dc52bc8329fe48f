import test from 'ava';
import { DepotError } from '../../src/domain/errors.ts';
import { showUrl, Transient } from '../../src/net/http.ts';
import { resolveProxy } from '../../src/net/proxy.ts';
import { parseRetryAfter, withRetries } from '../../src/net/retry.ts';
import { createHostPolicy } from '../../src/net/upstream-hosts.ts';

const policy = { attempts: 3, firstDelay: 1, maxDelay: 2, maxRetryAfter: 1000 };
const passing = (retryAfter?: number): Transient =>
  new Transient(new DepotError('UPSTREAM_ANSWER', { url: 'x', reason: 'y' }), retryAfter);

test('a fault that passes is met again until attempts without progress are used up', async (t) => {
  let calls = 0;
  const error = await t.throwsAsync(
    withRetries(policy, undefined, async () => {
      calls++;
      throw passing();
    }),
  );
  t.is(calls, 3);
  t.true(error instanceof DepotError);
});

test('progress starts the attempts again', async (t) => {
  let calls = 0;
  const result = await withRetries(policy, undefined, async (progressed) => {
    calls++;
    if (calls === 8) {
      return 'done';
    }
    progressed();
    throw passing();
  });
  t.deepEqual([result, calls], ['done', 8]);
});

test('a fault that stays is not met again, nor a Retry-After beyond the bound', async (t) => {
  let calls = 0;
  const once = (error: Error) => async (): Promise<never> => {
    calls++;
    throw error;
  };
  await t.throwsAsync(withRetries(policy, undefined, once(new DepotError('DISK_FULL', { file: 'x' }))));
  await t.throwsAsync(withRetries(policy, undefined, once(passing(5000))));
  t.is(calls, 2);
});

test('an aborted signal ends the waiting at once', async (t) => {
  const stop = new AbortController();
  const waiting = withRetries({ ...policy, firstDelay: 60_000, maxDelay: 60_000 }, stop.signal, async () => {
    throw passing();
  });
  setTimeout(() => stop.abort(), 10);
  t.is((await t.throwsAsync<DepotError>(waiting)).code, 'INTERRUPTED');
});

test('Retry-After is seconds or a date', (t) => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  t.is(parseRetryAfter('120', now), 120_000);
  t.is(parseRetryAfter('Thu, 01 Jan 2026 00:01:00 GMT', now), 60_000);
  t.is(parseRetryAfter('Wed, 31 Dec 2025 00:00:00 GMT', now), 0);
  t.is(parseRetryAfter('soon', now), undefined);
  t.is(parseRetryAfter(undefined, now), undefined);
});

test('hosts are compared with their ports, and https never becomes http', (t) => {
  const hosts = createHostPolicy([new URL('https://a.example/x')], ['b.example', 'c.example:8443']);
  const from = new URL('https://a.example/');
  for (const good of [
    'https://a.example/y',
    'https://a.example:443/',
    'https://b.example:9/',
    'https://c.example:8443/',
  ]) {
    t.notThrows(() => hosts.check(from, new URL(good)));
  }
  for (const bad of [
    'https://a.example:444/',
    'http://a.example/',
    'https://c.example/',
    'https://a.example.evil/',
    'ftp://a.example/',
  ]) {
    t.throws(() => hosts.check(from, new URL(bad)), { instanceOf: DepotError }, bad);
  }
});

test('http becomes https on the same host at the usual ports, and goes on from there', (t) => {
  const hosts = createHostPolicy([new URL('http://a.example/x'), new URL('http://b.example:8080')], []);
  const check = (from: string, to: string) => () => hosts.check(new URL(from), new URL(to));
  t.notThrows(check('http://a.example/x', 'https://a.example/x'));
  t.notThrows(check('https://a.example/x', 'https://a.example/y'));
  for (const [from, to] of [
    ['http://a.example/x', 'https://a.example:8443/x'],
    ['http://a.example/x', 'https://www.a.example/x'],
    ['http://b.example:8080/', 'https://b.example/'],
    ['https://a.example/x', 'http://a.example/x'],
  ] as const) {
    t.throws(check(from, to), { instanceOf: DepotError }, to);
  }
});

test('addresses are shown without user and password, also broken ones', (t) => {
  t.is(showUrl('https://me:secret@h.example/p?q=1#f'), 'https://h.example/p?q=1');
  t.is(showUrl('https://me:secret@:bad'), 'https://:bad');
});

test('a proxy is settled from flag, file and variables; lower case wins', (t) => {
  const env = { HTTPS_PROXY: 'http://upper:1', https_proxy: 'http://u:p%40@lower:2', NO_PROXY: 'x' };
  t.deepEqual(resolveProxy({}, env), {
    httpsProxy: { uri: 'http://lower:2', authorization: `Basic ${Buffer.from('u:p@').toString('base64')}` },
    noProxy: 'x',
  });
  t.is(resolveProxy({ proxy: 'flag:3' }, env).httpProxy?.uri, 'http://flag:3');
  const error = t.throws<DepotError>(() => resolveProxy({ proxy: 'socks5://u:secret@h' }, {}));
  t.notRegex(error.message, /secret/);
  t.throws(() => resolveProxy({ proxy: 'http://u:100%@h' }, {}), { message: /%25/ });
});

test('a proxy that is named by more than host and port is refused, and a password needs no user', (t) => {
  t.is(resolveProxy({ proxy: 'http://h:3128/' }, {}).httpProxy?.uri, 'http://h:3128');
  for (const proxy of ['http://wpad/proxy.pac', 'h:3128?x=y', 'http://h#x', 'http://u:1/secret@h']) {
    const { message } = t.throws<DepotError>(() => resolveProxy({ proxy }, {})) ?? {};
    t.regex(message ?? '', /--proxy.*named by host and port/);
    t.notRegex(message ?? '', /secret/);
  }
  t.throws(() => resolveProxy({}, { HTTPS_PROXY: 'http://h/x' }), { message: /HTTPS_PROXY/ });
  const token = `Basic ${Buffer.from(':token').toString('base64')}`;
  t.is(resolveProxy({ proxy: 'http://:token@h' }, {}).httpProxy?.authorization, token);
});

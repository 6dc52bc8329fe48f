import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { signWith } from '../signing/made-keys.ts';
import { artifactBytes } from '../support/release.ts';
import { sendContent } from '../support/release-upstream.ts';
import { agents, createReleaseSite, linuxAgent, treeOf, windowsAgent } from '../support/release-site.ts';
import { runSyncVerb } from '../support/sync-run.ts';

const file = linuxAgent.split('/').at(-1) ?? '';
const main = `/downloads/${linuxAgent}`;
const hexOf = (content: Buffer): string => createHash('sha512').update(content).digest('hex');

test('a digest that agents could not read, and a signature that is none, are told before the large file is asked for', async (t) => {
  const { run, define, upstream, to } = await createReleaseSite(t);
  const content = await upstream.add(linuxAgent);
  const good = upstream.files.get(`${main}.sha512`) ?? Buffer.alloc(0);
  const armored = upstream.files.get(`${main}.asc`) ?? Buffer.alloc(0);
  await define(agents.replace(', windows-x86_64', ''));
  const refused = async (end: string, bytes: string | Uint8Array | undefined): Promise<string> => {
    upstream.files.set(`${main}.sha512`, good);
    upstream.files.set(`${main}.asc`, armored);
    if (bytes === undefined) {
      upstream.files.delete(main + end);
    } else {
      upstream.files.set(main + end, Buffer.from(bytes));
    }
    const { exitCode, artifacts } = await run('--no-sizes');
    t.is(exitCode, 3, 'the key came');
    t.is(artifacts.report.failed.length, 1);
    t.is(artifacts.report.failed[0]?.label, `downloads/${linuxAgent}`);
    return artifacts.report.failed[0]?.reason ?? '';
  };
  const hex = hexOf(content);
  t.regex(
    await refused('.sha512', `${hex.toUpperCase()}  ${file}\n`),
    /\.sha512: it has its digest in upper case/,
  );
  t.regex(await refused('.sha512', `${hex}  ${file}\r\n`), /\.sha512: it has Windows line ends/);
  t.regex(await refused('.sha512', `${hex}  other.tar.gz\n`), /\.sha512: it does not name/);
  t.regex(await refused('.sha512', `${hex}  downloads/${file}\n`), /without folders/);
  t.regex(await refused('.sha512', `${hex}\n`), /\.sha512: it has only the digest/);
  t.regex(await refused('.sha512', '<html>login</html>'), /\.sha512: it is a web page/);
  t.regex(await refused('.sha512', undefined), /\.sha512: the upstream does not have it/);
  t.regex(await refused('.asc', undefined), /\.asc: the upstream does not have it/);
  t.regex(await refused('.asc', '<html>login</html>'), /\.asc: what came is a web page/);
  t.regex(await refused('.asc', Buffer.from([0x88, 0x75, 4, 0])), /\.asc: not an ASCII-armored/);
  t.deepEqual(
    upstream.requests.filter((one) => one === `GET ${main}`),
    [],
  );
  t.regex(await refused('.asc', await signWith(upstream.key, Buffer.from('another file'))), /\.asc: /);
  t.deepEqual(Object.keys(treeOf(to)), ['distribution.lock', 'keys/GPG-KEY-elastic-agent']);
});

test('a page, a cut body and another content never get the name of an artifact', async (t) => {
  const { run, define, upstream, to } = await createReleaseSite(t);
  const content = await upstream.add(linuxAgent);
  await upstream.add(windowsAgent);
  await define(agents);
  const refused = async (bytes: Buffer): Promise<string> => {
    upstream.files.set(main, bytes);
    const { exitCode, artifacts } = await run();
    t.is(exitCode, 3, 'the other artifact came');
    return `${artifacts.report.failed[0]?.code} ${artifacts.report.failed[0]?.reason}`;
  };
  t.regex(
    await refused(Buffer.from('<!doctype html><title>Sign in</title>')),
    /ARCHIVE_MISMATCH .*is a web page/,
  );
  t.regex(await refused(Buffer.from('Sorry, quota exceeded')), /does not begin as a gzip file/);
  t.regex(await refused(content.subarray(0, 1000)), /another digest than its \.sha512 says/);
  t.regex(await refused(Buffer.alloc(0)), /is empty|another digest/);
  t.false(`downloads/${linuxAgent}` in treeOf(to));
  t.deepEqual(
    (await readdir(join(to, '.fleet-depot'))).filter((name) => name.endsWith('.part')),
    [],
  );

  upstream.files.set(main, content);
  upstream.addFault({
    path: main,
    answer: (_request, response) =>
      void response.writeHead(200, { 'content-type': 'text/html', 'content-length': 6 }).end('<html>'),
    times: 1,
  });
  t.regex((await run()).artifacts.report.failed[0]?.reason ?? '', /text\/html, not an archive/);
  t.is((await run()).exitCode, 0);
});

test('passing faults are met again, a body that is cut is continued, and what lasts is told with exit code 3', async (t) => {
  const { run, define, upstream } = await createReleaseSite(t);
  const content = await upstream.add(linuxAgent, artifactBytes(linuxAgent, 5_000_000));
  await upstream.add(windowsAgent);
  await define(agents);
  upstream.addFault({
    path: `${main}.sha512`,
    times: 1,
    answer: (_request, response) => void response.writeHead(503, { 'retry-after': '0' }).end(),
  });
  upstream.addFault({
    path: `${main}.asc`,
    times: 1,
    answer: (_request, response) => {
      response.writeHead(200, { 'content-length': 400 });
      response.write('-----BEGIN');
      setTimeout(() => response.destroy(), 20);
    },
  });
  upstream.addFault({
    path: main,
    times: 1,
    answer: (request, response, body) => {
      sendContent(request, Object.assign(response, { end: () => response }), body);
      response.write(body.subarray(0, 3_000_000));
      setTimeout(() => response.destroy(), 100);
    },
  });
  const { exitCode, stderr, artifacts } = await run();
  t.is(exitCode, 0, stderr);
  t.true(artifacts.report.fetched.includes(`downloads/${linuxAgent}`));
  t.true(upstream.requests.some((one) => /^GET .*linux-x86_64\.tar\.gz \[bytes=[1-9]\d*-\]$/.test(one)));
  t.is(hexOf(content), hexOf(upstream.files.get(main) ?? Buffer.alloc(0)));
});

test('kill -9 in the middle costs nothing that was done: the next run goes on by range', async (t) => {
  const { define, upstream, definition, to, run } = await createReleaseSite(t);
  await upstream.add(linuxAgent, artifactBytes(linuxAgent, 8_000_000));
  await upstream.add(windowsAgent);
  await define(agents);
  let asked = 0;
  upstream.addFault({
    path: main,
    times: 1,
    answer: (request, response, body) => {
      asked += 1;
      sendContent(request, Object.assign(response, { end: () => response }), body);
      // Most of it comes, the rest never does.
      response.write(body.subarray(0, 6_000_000));
    },
  });
  const program = fileURLToPath(new URL('../support/sync-process.js', import.meta.url));
  const child = spawn(process.execPath, [program, '', definition, '--to', to, '--quiet'], {
    stdio: 'ignore',
  });
  const ended = once(child, 'close');
  const part = join(to, '.fleet-depot', `downloads~${linuxAgent.replaceAll('/', '~')}.part`);
  const windows = join(to, 'downloads', windowsAgent);
  const sizeOf = async (path: string): Promise<number> =>
    (await stat(path).catch(() => undefined))?.size ?? 0;
  while ((await sizeOf(part)) < 3_000_000 || (await sizeOf(windows)) === 0) {
    await wait(20);
  }
  child.kill('SIGKILL');
  await ended;
  t.is(asked, 1);
  t.false(`downloads/${linuxAgent}` in treeOf(to), 'half a file has no name');
  upstream.requests.length = 0;
  const { exitCode, stderr, artifacts } = await run('--no-sizes');
  t.is(exitCode, 0, stderr);
  const [range] = upstream.requests.filter((one) => one.startsWith(`GET ${main} [`));
  t.true(Number(/bytes=(\d+)-/.exec(range ?? '')?.[1]) >= 3_000_000, range ?? 'no range');
  t.true(artifacts.report.kept.includes(`downloads/${windowsAgent}`));
  t.false(upstream.requests.includes(`GET /downloads/${windowsAgent}`));
});

test('Ctrl-C ends a run with what came, and the lock file of before stays', async (t) => {
  const { define, upstream, run, to } = await createReleaseSite(t);
  await upstream.add(linuxAgent);
  await upstream.add(windowsAgent);
  await define(agents.replace(', windows-x86_64', ''));
  await run();
  const lock = await readFile(join(to, 'distribution.lock'), 'utf8');
  await define(agents);
  upstream.addFault({
    path: `/downloads/${windowsAgent}`,
    answer: (_request, response) => void response.writeHead(200, { 'content-length': 5000 }).write('x'),
  });
  const controller = new AbortController();
  const stopped = run.withSignal(controller.signal);
  while (!upstream.requests.includes(`GET /downloads/${windowsAgent}`)) {
    await wait(10);
  }
  controller.abort();
  const { exitCode, artifacts } = await stopped;
  t.is(exitCode, 3);
  t.is(artifacts.report.failed.at(-1)?.code, 'INTERRUPTED');
  t.is(await readFile(join(to, 'distribution.lock'), 'utf8'), lock);
});

test('the plan tells files and bytes before anything is fetched, for people and programs', async (t) => {
  const { run, define, upstream, to } = await createReleaseSite(t);
  const linux = await upstream.add(linuxAgent);
  const windows = await upstream.add(windowsAgent);
  upstream.addDefend('9.2.1', { '/downloads/endpoint/global/a-v1': Buffer.from('blob') });
  await define(`${agents}defend: [9.2.1]\n`);
  const { exitCode, artifacts } = await run('--dry-run');
  t.is(exitCode, 0);
  const manifest = upstream.files.get('/downloads/endpoint/manifest/artifacts-9.2.1.zip')?.length ?? 0;
  t.deepEqual(artifacts.plan.totals, {
    files: 9,
    fetch: { items: 9, bytes: linux.length + windows.length + manifest + 'blob'.length },
    keep: { items: 0, bytes: 0 },
    unwanted: { items: 0, bytes: 0 },
    unknownSizes: 0,
  });
  t.true(
    artifacts.plan.files.some(({ path, size }) => path === 'downloads/endpoint/global/a-v1' && size === 4),
  );
  t.is(await stat(to).catch(() => undefined), undefined, 'a dry run leaves nothing');
  t.deepEqual(
    upstream.requests.filter((one) => one.startsWith('GET') && one.includes('elastic-agent')),
    [],
  );
  const text = await run.plain('--dry-run');
  t.regex(text.stdout, /9 files of artifacts, .*\n +to fetch +9 +\(/);
  t.regex(
    text.stdout,
    /\+ +downloads\/beats\/elastic-agent\/elastic-agent-9\.2\.1-linux-x86_64\.tar\.gz +2\.0KiB/,
  );
  await run();
  t.deepEqual((await run('--dry-run')).artifacts.plan.totals.keep.items, 9);
});

test('where nothing at all can be had the run ends with 1, a wrong definition with its line, no folder with 2', async (t) => {
  const { run, define, definition, upstream } = await createReleaseSite(t);
  await define(agents);
  upstream.files.clear();
  const { exitCode, artifacts } = await run();
  t.is(exitCode, 1);
  t.is(artifacts.report.failed.length, 3);
  const nowhere = await runSyncVerb([definition], { key: '' });
  t.is(nowhere.exitCode, 2);
  await define(agents.replace('[elastic-agent]', '[elastic_agent]'));
  t.regex(
    (await run()).error?.message ?? '',
    /no artifact is named 'elastic_agent': did you mean 'elastic-agent'/,
  );
  await define(agents.replace('[elastic-agent]', '[winlogbeat]').replace(', windows-x86_64', ''));
  t.regex((await run()).error?.message ?? '', /no file of winlogbeat for linux-x86_64 as tar\.gz, zip/);
  await writeFile(definition, 'artifacts:\n  - version: 9.2.1\n    plattforms: [linux-x86_64]\n');
  t.regex((await run()).error?.message ?? '', /line 3: did you mean 'platforms'/);
});

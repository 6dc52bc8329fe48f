import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { appendFile, mkdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { checkArchive } from '../../src/cli/archive-check.ts';
import { readLockedArchives } from '../../src/cli/locked-archives.ts';
import { verifyLockedFiles } from '../../src/cli/verify/release-files.ts';
import { createVerifyVerb } from '../../src/cli/verify.ts';
import { artifactBytes } from '../support/release.ts';
import { pinnedKey, references } from '../support/release-upstream.ts';
import {
  agents,
  createReleaseSite,
  linuxAgent,
  treeOf,
  windowsAgent,
  type ReleaseRun,
} from '../support/release-site.ts';
import { smallDisk } from '../support/small-disk.ts';
import { runSyncVerb } from '../support/sync-run.ts';
import type { VerifiedItem } from '../../src/signing/verified-archive.ts';
import { runVerb } from './verb-run.ts';

const largeOnes = (requests: readonly string[]): string[] =>
  requests.filter((one) => /^GET .*\.(?:tar\.gz|zip|pt)$/.test(one));

const filled = async (t: Parameters<typeof createReleaseSite>[0]) => {
  const site = await createReleaseSite(t);
  await site.upstream.add(linuxAgent);
  await site.upstream.add(windowsAgent);
  site.upstream.addModel('elser_model_2', Buffer.from('weights'));
  await site.define(`${agents}models: [elser_model_2]\n`);
  t.is((await site.run()).exitCode, 0);
  site.upstream.requests.length = 0;
  return site;
};

const snapshot = 'beats/elastic-agent/elastic-agent-9.3.0-SNAPSHOT-linux-x86_64.tar.gz';

/** A folder with one snapshot of an agent, as a first run brought it. */
const filledBySnapshot = async (t: Parameters<typeof createReleaseSite>[0]) => {
  const site = await createReleaseSite(t);
  await site.upstream.add(snapshot);
  await site.define(
    'artifacts:\n  - version: 9.3.0-SNAPSHOT\n    platforms: [linux-x86_64]\n    names: [elastic-agent]\n',
  );
  t.is((await site.run()).exitCode, 0);
  return site;
};

test('what is here and good is not fetched again, even where nobody has noted it any more', async (t) => {
  const { run, to, upstream } = await filled(t);
  const before = treeOf(to);
  await rm(join(to, '.fleet-depot'), { recursive: true });
  const { exitCode, artifacts } = await run('--no-sizes');
  t.is(exitCode, 0);
  t.deepEqual(artifacts.report.fetched, []);
  t.deepEqual(largeOnes(upstream.requests), []);
  t.deepEqual(treeOf(to), before);
});

test('a file that was changed on the disk is fetched again, with a word about why', async (t) => {
  const { run, to } = await filled(t);
  const before = treeOf(to);
  await appendFile(join(to, 'downloads', linuxAgent), 'x');
  await writeFile(join(to, 'ml-models', 'elser_model_2.pt'), 'Weights');
  const { exitCode, artifacts } = await run();
  t.is(exitCode, 0);
  t.deepEqual(artifacts.report.fetched, [`downloads/${linuxAgent}`, 'ml-models/elser_model_2.pt']);
  t.deepEqual(artifacts.report.warnings.map(({ label }) => label).toSorted(), artifacts.report.fetched);
  t.regex(
    artifacts.report.warnings.find(({ label }) => label.endsWith('.tar.gz'))?.reason ?? '',
    /the one that is here is fetched again: .*another digest/,
  );
  t.deepEqual(treeOf(to), before);
});

test('a file that vanishes while a run is at work is fetched again; one that is not wanted is not there to be deleted', async (t) => {
  const { run, define, to, upstream } = await filled(t);
  const before = treeOf(to);
  await rm(join(to, '.fleet-depot'), { recursive: true });
  const place = join(to, 'downloads', linuxAgent);
  upstream.addFault({
    path: '/GPG-KEY-elastic-agent',
    times: 1,
    answer: (_request, response, body) => {
      rmSync(`${place}.asc`);
      response.end(body);
    },
  });
  const { exitCode, artifacts, stderr } = await run('--no-sizes');
  t.is(exitCode, 0, stderr);
  t.true(artifacts.report.fetched.includes(`downloads/${linuxAgent}`));
  t.deepEqual(treeOf(to), before);
  await define('artifacts: []\n');
  const isListed = ({ path }: { readonly path: string }): boolean => path === `downloads/${linuxAgent}`;
  t.true((await run('--dry-run')).artifacts.plan.unwanted.some(isListed));
  await rm(place);
  await symlink(`${place}.nowhere`, place);
  t.false((await run('--dry-run')).artifacts.plan.unwanted.some(isListed));
});

test('a snapshot is asked for in every run and replaced with all that belongs to it; a release is not', async (t) => {
  const { run, to, upstream } = await filledBySnapshot(t);
  upstream.requests.length = 0;
  t.deepEqual((await run()).artifacts.report.fetched, []);
  t.deepEqual(largeOnes(upstream.requests), [], 'its digest says that it is the same');
  const newer = await upstream.add(snapshot);
  t.deepEqual((await run()).artifacts.report.fetched, [
    `downloads/${snapshot}`,
    `downloads/${snapshot}.asc`,
    `downloads/${snapshot}.sha512`,
  ]);
  t.deepEqual(await readFile(join(to, 'downloads', snapshot)), newer);

  // Half renewed upstream: what is here stays whole.
  const before = treeOf(to);
  const old = upstream.files.get(`/downloads/${snapshot}`) ?? Buffer.alloc(0);
  await upstream.add(snapshot);
  upstream.files.set(`/downloads/${snapshot}`, old);
  t.is((await run()).exitCode, 3);
  t.deepEqual(treeOf(to), before);
});

test('a run that ended between a new digest and its file leaves nothing that the next one takes for whole', async (t) => {
  const { run, to, upstream } = await filledBySnapshot(t);
  const newer = await upstream.add(snapshot);
  // What a kill at this moment leaves: the file can't get its name, and afterwards the old one is here as it was.
  const file = join(to, 'downloads', snapshot);
  await rename(file, `${file}.aside`);
  await mkdir(join(file, 'in the way'), { recursive: true });
  t.is((await run()).exitCode, 3);
  await rm(file, { recursive: true });
  await rename(`${file}.aside`, file);
  const { exitCode, artifacts } = await run();
  t.is(exitCode, 0);
  t.true(artifacts.report.fetched.includes(`downloads/${snapshot}`));
  t.deepEqual(await readFile(file), newer);
});

test('snapshots come from the newest build of their own place, and a lock file makes the older build again', async (t) => {
  const { run, to, folder, define, upstream } = await createReleaseSite(t);
  const path = 'beats/elastic-agent/elastic-agent-9.3.0-SNAPSHOT-linux-x86_64.tar.gz';
  const build = async (id: string): Promise<Buffer> => {
    const content = await upstream.add(path);
    for (const end of ['', '.sha512', '.asc']) {
      upstream.files.set(
        `/snapshots/${id}/downloads/${path}${end}`,
        upstream.files.get(`/downloads/${path}${end}`) ?? content,
      );
      upstream.files.delete(`/downloads/${path}${end}`);
    }
    upstream.files.set(
      '/snapshots/latest/9.3.0-SNAPSHOT.json',
      Buffer.from(JSON.stringify({ build_id: id })),
    );
    return content;
  };
  const first = await build('9.3.0-0a1b2c3d');
  await define(
    `artifacts:\n  - version: 9.3.0-SNAPSHOT\n    platforms: [linux-x86_64]\n    names: [elastic-agent]\n${pinnedKey(upstream)}${references(upstream)}  snapshots: ${upstream.url}/snapshots\n`,
    '',
    false,
  );
  const { exitCode, stderr } = await run();
  t.is(exitCode, 0, stderr);
  t.deepEqual(await readFile(join(to, 'downloads', path)), first);
  const lock = join(folder, 'first.lock');
  await writeFile(lock, await readFile(join(to, 'distribution.lock')));

  const second = await build('9.3.0-4e5f6a7b');
  t.is((await run()).exitCode, 0);
  t.deepEqual(await readFile(join(to, 'downloads', path)), second);
  t.is((await run('--locked', '--lock', lock)).exitCode, 0);
  t.deepEqual(await readFile(join(to, 'downloads', path)), first);

  upstream.files.set('/snapshots/latest/9.3.0-SNAPSHOT.json', Buffer.from('<html>'));
  const lost = await run();
  t.is(lost.exitCode, 3);
  t.regex(lost.artifacts.report.failed[0]?.reason ?? '', /latest\/9\.3\.0-SNAPSHOT\.json: it is no JSON/);
  t.deepEqual(await readFile(join(to, 'downloads', path)), first);
});

test('two runs into one folder: the second is told who works there', async (t) => {
  const { run, to } = await filled(t);
  const owner = { pid: process.pid, machine: 'elsewhere', since: 'now', started: '', token: 'x' };
  await writeFile(join(to, '.fleet-depot', 'lock'), JSON.stringify(owner));
  t.is((await run()).error?.code, 'FOLDER_BUSY');
});

test('a full disk ends the run with a word about it, and the same command goes on where there is room', async (t) => {
  const { run, define, upstream, to } = await createReleaseSite(t);
  await upstream.add(linuxAgent, artifactBytes(linuxAgent, 3_000_000));
  await upstream.add(windowsAgent, artifactBytes(windowsAgent, 200_000));
  await define(agents);
  await mkdir(to);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1500k', 'tmpfs', to]);
  if (mounted.status !== 0) {
    t.log('skipped: a small tmpfs cannot be mounted here');
    t.pass();
    return;
  }
  t.teardown(() => void spawnSync('umount', ['-l', to]));
  const full = await run('--concurrency', '1');
  t.true(full.exitCode !== 0);
  t.true(full.artifacts.report.failed.some(({ code }) => code === 'DISK_FULL'));
  t.false(`downloads/${linuxAgent}` in treeOf(to));
  spawnSync('mount', ['-o', 'remount,size=20m', to]);
  const { exitCode, stderr } = await run();
  t.is(exitCode, 0, stderr);
  t.true(`downloads/${linuxAgent}` in treeOf(to));
});

test('a disk that has no room for another folder is called full, too', async (t) => {
  const disk = await smallDisk(t, 'size=20m,nr_inodes=10');
  if (disk === undefined) {
    t.pass();
    return;
  }
  const { define, definition, upstream } = await createReleaseSite(t);
  await upstream.add(linuxAgent);
  await upstream.add(windowsAgent);
  await define(agents);
  const { exitCode, stdout } = await runSyncVerb([definition, '--to', join(disk, 'site'), '--json'], {
    key: '',
  });
  t.true(exitCode !== 0);
  const { artifacts } = JSON.parse(stdout) as Pick<ReleaseRun, 'artifacts'>;
  t.deepEqual([...new Set(artifacts.report.failed.map(({ code }) => code))], ['DISK_FULL']);
});

/** Runs `verify --json` with one key; says what is bad, by the path below `to` with its reasons. */
const verifying = async (to: string, key: string, folder: string) => {
  const keyring = join(folder, 'agents.asc');
  await writeFile(keyring, key);
  const verb = createVerifyVerb({
    checkArchive,
    readLock: readLockedArchives,
    verifyFiles: verifyLockedFiles,
  });
  return async (path: string) => {
    const { exitCode, stdout } = await runVerb(verb, [path, '--keyring', keyring, '--json']);
    const { items } = JSON.parse(stdout) as { readonly items: readonly VerifiedItem[] };
    return {
      exitCode,
      bad: items
        .filter(({ ok }) => !ok)
        .map((one) => `${one.path.slice(to.length + 1)}: ${one.reasons.join('; ')}`),
      items: items.length,
    };
  };
};

test('verify holds artifacts, models and keys against the lock file, and packages are not looked for among them', async (t) => {
  const { to, upstream, folder } = await filled(t);
  const verify = await verifying(to, upstream.key.armored, folder);
  t.deepEqual(await verify(to), { exitCode: 0, bad: [], items: 10 });
  t.deepEqual(await verify(join(to, 'distribution.lock')), { exitCode: 0, bad: [], items: 10 });

  const agent = join(to, 'downloads', linuxAgent);
  const { atime, mtime } = await stat(agent);
  const bytes = await readFile(agent);
  bytes[1000] = (bytes[1000] ?? 0) ^ 1;
  await writeFile(agent, bytes);
  await utimes(agent, atime, mtime);
  await rm(join(to, 'keys', 'GPG-KEY-elastic-agent'));
  const { exitCode, bad } = await verify(to);
  t.is(exitCode, 3);
  t.is(bad.length, 2);
  t.regex(bad[0] ?? '', /linux-x86_64\.tar\.gz: its sha256 is not the one of the lock file; /);
  t.regex(bad[1] ?? '', /GPG-KEY-elastic-agent: it is in the lock file, but not here/);
});

test('verify names what lies beside the files of the lock file as it names such packages; the lock file alone does not', async (t) => {
  const { to, upstream, folder, define, run } = await filled(t);
  // The agent for Windows is no longer wanted; another file was put there by somebody.
  await define(`${agents.replace(', windows-x86_64', '')}models: [elser_model_2]\n`);
  t.is((await run()).exitCode, 0);
  await writeFile(join(to, 'keys', 'site.asc'), 'a key');
  await mkdir(join(to, 'product-docs'));
  await writeFile(join(to, 'product-docs', '.half'), 'hidden');
  const verify = await verifying(to, upstream.key.armored, folder);
  const reason =
    'it is not in the lock file: no longer wanted (`sync --prune` removes it), or put there by another way';
  t.deepEqual(await verify(to), {
    exitCode: 3,
    bad: [
      `downloads/${windowsAgent}: ${reason}`,
      `downloads/${windowsAgent}.asc: ${reason}`,
      `downloads/${windowsAgent}.sha512: ${reason}`,
      `keys/site.asc: ${reason}`,
    ],
    items: 11,
  });
  t.deepEqual(await verify(join(to, 'distribution.lock')), { exitCode: 0, bad: [], items: 7 });
  t.is((await run('--prune')).exitCode, 0);
  t.deepEqual((await verify(to)).bad, [`keys/site.asc: ${reason}`], 'sync deletes only what it placed');
});

import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { signatureOf } from '../support/armored.ts';
import { get, getJson, type Reply } from '../support/client.ts';
import { eventually } from '../support/eventually.ts';
import { failingDisk } from '../support/failing-disk.ts';
import { isRefused } from '../support/headers.ts';
import { writeFolderPackage, writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';

interface Health {
  readonly status: string;
  readonly reason?: string;
  readonly versions: number;
}

const addresses = [
  '/epr/demo/demo-1.0.0.zip',
  '/epr/demo/demo-1.0.0.zip.sig',
  '/package/demo/1.0.0/docs/README.md',
  '/epr/folder/folder-1.0.0.zip',
  '/package/folder/1.0.0/docs/README.md',
];
const unreadable = 'the package cannot be read now, ask again later';
const untilAsked = { 'poll-interval': '0s', 'package-paths-enable-watcher': 'false' };

const serve = async (
  t: ExecutionContext,
  root: string,
  files: Readonly<Record<string, Buffer>> = {},
): Promise<TestServer> => {
  await mkdir(root, { recursive: true });
  await writeFile(`${await writeZipPackage(root, { files })}.sig`, await signatureOf('demo'));
  await writeFolderPackage(root, { name: 'folder' });
  const server = await startServer({ packagePaths: [root], flags: untilAsked });
  t.teardown(() => server.close());
  return server;
};
const healthOf = ({ url }: TestServer): Promise<Health> => getJson<Health>(url, '/health');
const isToComeAgain = (t: ExecutionContext, reply: Reply, what: string): void => {
  isRefused(t, reply, 503, unreadable);
  t.is(reply.header('retry-after'), '30', what);
};
const errorsOf = ({ lines }: TestServer): readonly string[] =>
  lines.filter(({ level }) => level === 'error').map(({ message }) => message);

for (const [how, away] of Object.entries({
  'whose folder is gone': async (root: string): Promise<void> => rename(root, `${root}.away`),
  'that is the mount point of a disk that is gone': async (root: string): Promise<void> => {
    await rename(root, `${root}.away`);
    // A folder of another file system: as what a mount point is without its disk.
    await symlink('/proc/self/fdinfo', root);
  },
})) {
  test.serial(`of a package path ${how} whatever is asked for is 503, until it is back`, async (t) => {
    const root = join(await scratch(t), 'packages');
    const server = await serve(t, root);
    await away(root);
    for (const address of [...addresses, ...addresses]) {
      isToComeAgain(t, await get(server.url, address), address);
      t.is((await get(server.url, address, { method: 'HEAD' })).status, 503, address);
    }
    t.is((await get(server.url, '/package/demo/1.0.0/')).status, 200, 'what is known of it stays');
    await eventually('health tells of it', async () => (await healthOf(server)).status === 'degraded');
    const { reason, versions } = await healthOf(server);
    t.true(reason?.startsWith(`${root}: `), reason);
    t.is(versions, 2);
    t.regex(await server.metrics(), /^fleet_depot_index_reloads_total\{result="failed"\} [1-9]/m);
    t.deepEqual(
      errorsOf(server).filter((line) => !line.includes(root)),
      [],
    );
    t.is(errorsOf(server).length, 1, 'said once, whoever asks how often');
    await rm(root, { force: true });
    await rename(`${root}.away`, root);
    for (const address of addresses) {
      t.is((await get(server.url, address)).status, 200, address);
    }
    await server.app.refresh();
    t.is((await healthOf(server)).status, 'ready');
  });
}

test.serial('what was removed from a package path that is there is 404', async (t) => {
  const root = join(await scratch(t), 'packages');
  const server = await serve(t, root);
  await Promise.all(
    ['demo-1.0.0.zip', 'demo-1.0.0.zip.sig', 'folder'].map((name) =>
      rm(join(root, name), { recursive: true }),
    ),
  );
  for (const address of addresses) {
    t.is((await get(server.url, address)).status, 404, address);
  }
  await eventually('the index has looked', async () => (await healthOf(server)).versions === 0);
  t.deepEqual(errorsOf(server), []);
});

for (const code of ['EIO', 'ESTALE', 'ENXIO', 'EACCES'] as const) {
  test.serial(
    `${code} when a package is opened is 503, told once, and over when the disk is well`,
    async (t) => {
      const root = join(await scratch(t), 'packages');
      const server = await serve(t, root);
      const disk = failingDisk(t);
      const archive = join(root, 'demo-1.0.0.zip');
      disk.fail(archive, { code });
      for (const address of ['/epr/demo/demo-1.0.0.zip', '/package/demo/1.0.0/docs/README.md']) {
        isToComeAgain(t, await get(server.url, address), address);
        isToComeAgain(t, await get(server.url, address), address);
      }
      const [line = '', ...more] = errorsOf(server);
      t.true(line.startsWith(`${archive}: `), line);
      t.deepEqual(more, []);
      const health = await healthOf(server);
      t.is(health.status, 'degraded');
      t.true(health.reason?.startsWith(`${archive}: `), health.reason);
      t.regex(await server.metrics(), /^fleet_depot_unreadable_files 1$/m);
      t.is((await get(server.url, '/epr/folder/folder-1.0.0.zip')).status, 200, 'others are served');
      disk.mend(archive);
      await eventually('health is well', async () => (await healthOf(server)).status === 'ready');
      t.regex(await server.metrics(), /^fleet_depot_unreadable_files 0$/m);
      t.is((await get(server.url, '/epr/demo/demo-1.0.0.zip')).status, 200);
    },
  );
}

test.serial(
  'a disk that fails before the first byte of an archive is 503, whole or in part, kept or not',
  async (t) => {
    const root = join(await scratch(t), 'packages');
    const server = await serve(t, root);
    const disk = failingDisk(t);
    const archive = join(root, 'demo-1.0.0.zip');
    disk.fail(archive, { code: 'EIO', from: 0 });
    const address = '/epr/demo/demo-1.0.0.zip';
    // From the second time on it is read into memory.
    isToComeAgain(t, await get(server.url, address, { headers: { range: 'bytes=0-9' } }), 'a part');
    isToComeAgain(t, await get(server.url, address), 'the whole');
    isToComeAgain(t, await get(server.url, address), 'kept');
    const cut = await get(server.url, '/package/demo/1.0.0/docs/README.md');
    isToComeAgain(t, cut, 'a file of it');
    t.is(errorsOf(server).length, 1);
    disk.mend(archive);
    const reply = await get(server.url, address);
    t.deepEqual(reply.body, await readFile(archive));
    t.is(reply.status, 200);
  },
);

test.serial('a disk that fails in the middle of an archive cuts the connection, and is told', async (t) => {
  const root = join(await scratch(t), 'packages');
  const ballast = randomBytes(24 * 1024 * 1024);
  const server = await serve(t, root, { 'docs/ballast.bin': ballast });
  const disk = failingDisk(t);
  const archive = join(root, 'demo-1.0.0.zip');
  const address = '/epr/demo/demo-1.0.0.zip';
  for (const from of [1, 16 * 1024 * 1024 + 5, 24 * 1024 * 1024]) {
    disk.fail(archive, { code: 'EIO', from });
    await t.throwsAsync(get(server.url, address), { code: 'ECONNRESET' }, `at ${from}`);
    await eventually('health tells of it', async () => (await healthOf(server)).status === 'degraded');
    t.is((await get(server.url, address, { headers: { range: 'bytes=0-0' } })).status, 206);
    await t.throwsAsync(get(server.url, address), { code: 'ECONNRESET' });
    t.is((await healthOf(server)).status, 'degraded');
    disk.mend(archive);
    await eventually('health is well', async () => (await healthOf(server)).status === 'ready');
  }
  t.is(errorsOf(server).length, 3, 'once for each time that it failed');
});

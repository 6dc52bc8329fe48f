import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { parseImageName } from '../../src/image/image-name.ts';
import { makeImage, type ImageRequest, type ImageResult } from '../../src/image/make-image.ts';
import { baseParts, digestOf, writeDockerBase, writeOciBase } from '../support/image-archives.ts';
import { readMadeImage, readTarBytes } from '../support/made-image.ts';
import { temporaryNames } from '../support/left-temporary.ts';
import { scratch } from '../support/scratch.ts';

const fill = async (folder: string): Promise<void> => {
  await mkdir(join(folder, 'demo', '1.0.0'), { recursive: true });
  await mkdir(join(folder, '.fleet-depot'), { recursive: true });
  await writeFile(join(folder, '.fleet-depot', 'half.part'), 'no');
  await writeFile(join(folder, 'b-1.0.0.zip'), Buffer.alloc(700_000, 1));
  await writeFile(join(folder, 'b-1.0.0.zip.sig'), 'signature');
  await writeFile(join(folder, 'a-1.0.0.zip'), Buffer.alloc(600_000, 2));
  await writeFile(join(folder, 'demo', '1.0.0', `${'long-name-'.repeat(15)}.json`), '{}');
};

const make = (folder: string, request: Partial<ImageRequest> = {}): Promise<ImageResult> =>
  makeImage({
    content: join(folder, 'content'),
    output: join(folder, 'image.tar'),
    name: parseImageName('fleet-depot:lite'),
    layerBytes: 1 << 20,
    into: '/packages/distribution',
    env: [],
    labels: {},
    replace: false,
    signal: new AbortController().signal,
    onProgress: () => undefined,
    ...request,
  });

const prepared = async (t: ExecutionContext): Promise<string> => {
  const folder = await scratch(t);
  await mkdir(join(folder, 'content'));
  await fill(join(folder, 'content'));
  return folder;
};

test('content becomes layers below the limit, sorted, readable by every UID, of one time, without hidden files', async (t) => {
  const folder = await prepared(t);
  const result = await make(folder, { time: 1_700_000_000 });
  const image = await readMadeImage(join(folder, 'image.tar'));
  t.is(result.files, 4);
  t.is(image.layers.length, 2);
  const names = [];
  for (const layer of image.layers) {
    t.true(layer.length <= 1 << 20);
    for (const { header } of await readTarBytes(layer)) {
      t.deepEqual([header.uid, header.gid, header.mtime.getTime()], [0, 0, 1_700_000_000_000]);
      t.is(header.mode, header.type === 'directory' ? 0o755 : 0o644);
      names.push(header.name);
    }
  }
  t.deepEqual(names, [
    'packages/',
    'packages/distribution/',
    'packages/distribution/a-1.0.0.zip',
    'packages/',
    'packages/distribution/',
    'packages/distribution/b-1.0.0.zip',
    'packages/distribution/b-1.0.0.zip.sig',
    'packages/distribution/demo/',
    'packages/distribution/demo/1.0.0/',
    `packages/distribution/demo/1.0.0/${'long-name-'.repeat(15)}.json`,
  ]);
});

test('the same content gives the same bytes, whatever the times of its files', async (t) => {
  const folder = await prepared(t);
  await writeOciBase(join(folder, 'base.tar'));
  const request = { base: join(folder, 'base.tar') };
  await make(folder, { ...request, output: join(folder, 'one.tar') });
  await utimes(join(folder, 'content', 'a-1.0.0.zip'), 1, 1);
  await make(folder, { ...request, output: join(folder, 'two.tar') });
  const [one, two] = await Promise.all(['one.tar', 'two.tar'].map((name) => readFile(join(folder, name))));
  t.true(one !== undefined && two !== undefined && one.equals(two));
});

const forms = [
  ['an OCI archive', writeOciBase, false],
  ['an OCI archive with gzip layers', writeOciBase, true],
  ['a docker archive', writeDockerBase, false],
  ['a docker archive with gzip layers', writeDockerBase, true],
] as const;

for (const [title, write, gzip] of forms) {
  test(`upon ${title}, its settings and layers stay and the content comes on top`, async (t) => {
    const folder = await prepared(t);
    const base = await baseParts({ gzip });
    await write(join(folder, 'base.tar'), { gzip });
    await make(folder, { base: join(folder, 'base.tar'), env: ['A=new', 'B=1'], labels: { added: 'too' } });
    const { config, layers, docker, index, names } = await readMadeImage(join(folder, 'image.tar'));
    t.true(layers[0]?.equals(base.layer));
    t.is(layers.length, 3);
    t.deepEqual(config.rootfs.diff_ids, [base.diffId, ...layers.slice(1).map((layer) => digestOf(layer))]);
    t.deepEqual(config.config.Env, ['PATH=/usr/bin', 'A=new', 'B=1']);
    t.deepEqual(config.config.Labels, { kept: 'yes', added: 'too' });
    t.is(config.config.User, '1000');
    t.is(config.created, '2026-03-04T05:06:07.000Z');
    t.is(config.history.filter((one) => one.empty_layer !== true).length, 3);
    t.deepEqual(docker[0]?.RepoTags, ['fleet-depot:lite']);
    t.is(index.manifests.length, 1);
    t.is(new Set(names).size, names.length);
  });
}

test('of a depot only a snapshot of its own is taken', async (t) => {
  const folder = await scratch(t);
  const [depot, elsewhere] = [join(folder, 'content'), join(folder, 'elsewhere')];
  await mkdir(join(depot, 'snapshots', 'no-id'), { recursive: true });
  await mkdir(elsewhere);
  await writeFile(join(depot, 'depot.json'), '{}');
  for (const place of ['snapshots/no-id', elsewhere]) {
    await writeFile(join(depot, place === elsewhere ? '../elsewhere' : place, 'x-1.0.0.zip'), 'x');
    await symlink(place, join(depot, 'current'));
    await t.throwsAsync(make(folder), {
      code: 'IMAGE_CONTENT_INVALID',
      message: /no snapshot of this depot/,
    });
    await rm(join(depot, 'current'));
  }
});

test('links, an empty folder and a file above the layer limit are refused by name', async (t) => {
  const folder = await prepared(t);
  await symlink('/etc/passwd', join(folder, 'content', 'passwd'));
  await t.throwsAsync(make(folder), { code: 'IMAGE_CONTENT_INVALID', message: /passwd: it is neither/ });
  const empty = await scratch(t);
  await mkdir(join(empty, 'content'));
  await t.throwsAsync(make(empty), { code: 'IMAGE_CONTENT_INVALID', message: /nothing to put/ });
  const large = await scratch(t);
  await mkdir(join(large, 'content'));
  await writeFile(join(large, 'content', 'x.zip'), Buffer.alloc(1 << 20));
  await t.throwsAsync(make(large), { code: 'IMAGE_CONTENT_INVALID', message: /--layer-size/ });
});

test('what cannot be finished leaves nothing behind, and what is there stays', async (t) => {
  const folder = await prepared(t);
  await writeFile(join(folder, 'image.tar'), 'mine');
  await t.throwsAsync(make(folder), { code: 'USAGE', message: /--replace/ });
  t.is(await readFile(join(folder, 'image.tar'), 'utf8'), 'mine');
  await t.throwsAsync(make(folder, { output: join(folder, 'absent', 'image.tar') }), {
    code: 'IMAGE_WRITE_FAILED',
    message: /there is no such file or folder/,
  });
  await t.throwsAsync(make(folder, { output: folder, replace: true }), {
    code: 'USAGE',
    message: /is a folder/,
  });
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  await t.throwsAsync(make(folder, { output: join(folder, 'pipe'), replace: true }), {
    code: 'FILE_FAILED',
    message: /a device or a pipe/,
  });
  const { killed: left } = await temporaryNames(join(folder, 'image.tar'));
  await writeFile(left, 'what a kill left');
  const stop = new AbortController();
  let calls = 0;
  const cut = make(folder, {
    replace: true,
    signal: stop.signal,
    onProgress: () => {
      calls += 1;
      if (calls === 4) {
        stop.abort();
      }
    },
  });
  await t.throwsAsync(cut, { any: true, name: 'AbortError' });
  const there = (await readdir(folder)).filter((name) => !left.endsWith(name));
  t.deepEqual(there.toSorted(), ['content', 'image.tar', 'pipe']);
  t.is(await readFile(join(folder, 'image.tar'), 'utf8'), 'mine');
  await make(folder, { replace: true });
  t.deepEqual((await readdir(folder)).toSorted(), ['content', 'image.tar', 'pipe']);
});

test('where the image cannot go is told before anything is read', async (t) => {
  const folder = await scratch(t);
  await writeFile(join(folder, 'taken.tar'), 'mine');
  const never = { content: join(folder, 'absent'), base: join(folder, 'absent.tar') };
  await t.throwsAsync(make(folder, { ...never, output: join(folder, 'taken.tar') }), { code: 'USAGE' });
  await t.throwsAsync(make(folder, { ...never, output: join(folder, 'no', 'image.tar') }), {
    code: 'IMAGE_WRITE_FAILED',
  });
});

test('content that changes while it is read is noticed', async (t) => {
  const folder = await prepared(t);
  let changed = false;
  const made = make(folder, {
    onProgress: (done) => {
      // The two layers have 1,309,696 bytes: all digests are known, now the content is read again to be written.
      if (!changed && done > 1_309_696) {
        changed = true;
        execFileSync('sh', [
          '-c',
          'printf x | dd of="$1" conv=notrunc 2>/dev/null',
          'sh',
          join(folder, 'content', 'b-1.0.0.zip.sig'),
        ]);
      }
    },
  });
  await t.throwsAsync(made, { code: 'IMAGE_CONTENT_INVALID', message: /changed while/ });
  t.deepEqual(await readdir(folder), ['content']);
});

const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0;

test('skopeo reads it as either form, and umoci unpacks it', async (t) => {
  if (!has('skopeo')) {
    t.log('skopeo is not here: skipped');
    t.pass();
    return;
  }
  const folder = await prepared(t);
  await writeFile(join(folder, 'content', 'random.zip'), randomBytes(300_000));
  await writeDockerBase(join(folder, 'base.tar'), { gzip: true });
  await make(folder, { base: join(folder, 'base.tar') });
  const file = join(folder, 'image.tar');
  const skopeo = (...words: string[]): string =>
    execFileSync('skopeo', ['--insecure-policy', ...words], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const { config } = await readMadeImage(file);
  const inspected = JSON.parse(skopeo('inspect', '--config', `docker-archive:${file}`)) as typeof config;
  t.deepEqual(inspected.rootfs.diff_ids, config.rootfs.diff_ids);
  skopeo('inspect', `docker-archive:${file}:fleet-depot:lite`);
  skopeo('inspect', `oci-archive:${file}:lite`);
  // A copy reads every layer and holds it to its digest.
  skopeo('copy', `docker-archive:${file}`, `dir:${join(folder, 'from-docker')}`);
  skopeo('copy', `oci-archive:${file}`, `oci:${join(folder, 'layout')}:lite`);
  if (!has('umoci') || process.getuid?.() !== 0) {
    t.log('umoci is not here or this is not root: not unpacked');
    return;
  }
  execFileSync('umoci', ['unpack', '--image', `${join(folder, 'layout')}:lite`, join(folder, 'bundle')]);
  const root = join(folder, 'bundle', 'rootfs');
  t.is(await readFile(join(root, 'etc', 'base'), 'utf8'), 'base\n');
  for (const name of ['a-1.0.0.zip', 'random.zip', `demo/1.0.0/${'long-name-'.repeat(15)}.json`]) {
    const [packed, source] = await Promise.all([
      readFile(join(root, 'packages', 'distribution', name)),
      readFile(join(folder, 'content', name)),
    ]);
    t.true(packed.equals(source), name);
  }
});

// `npm run test:image`: builds the images with buildah and runs them: read-only root, random UID, TLS on port 443, SIGTERM. Needs
// root on Linux; skips with a message where buildah and a base image can't be had.
import { strict as assert } from 'node:assert';
import { randomInt } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { spawnSync } from 'node:child_process';
import { root } from './prepare.js';
import { makeReady } from './ready.js';
import { command, configOf, startContainer } from './container.js';
import { startUpstream } from './image-upstream.js';

makeReady();

const baseImage = 'docker.io/library/node:24-bookworm-slim';
const hasProgram = (name) => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;
const hasBase = () =>
  hasProgram('buildah') && spawnSync('buildah', ['inspect', '--type', 'image', baseImage]).status === 0;

/** Why nothing can be tested here, or undefined. */
const obstacle = () => {
  if (process.platform !== 'linux' || process.getuid() !== 0) {
    return 'needs root on Linux';
  }
  if (!hasBase()) {
    const tool = resolve(root, '..', 'shared', 'tools', 'base-image');
    if (!existsSync(tool)) {
      return `needs buildah and the image ${baseImage}`;
    }
    const made = spawnSync(tool, [baseImage], { stdio: ['ignore', 2, 2] });
    if (made.status !== 0 || !hasBase()) {
      return 'buildah or the base image could not be had here';
    }
  }
  const spaces = spawnSync('unshare', ['--mount', '--net', '--pid', '--fork', 'true']);
  return spaces.status === 0 ? undefined : `namespaces can't be made here: ${String(spaces.stderr)}`;
};

const skip = obstacle();
if (skip !== undefined) {
  process.stdout.write(`test:image skipped: ${skip}\n`);
}

const work = mkdtempSync(join(tmpdir(), 'fleet-depot-image-'));
const context = join(work, 'context');
const names = { server: 'localhost/fleet-depot-test', content: 'localhost/fleet-depot-test:content' };
process.on('exit', () => rmSync(work, { recursive: true, force: true }));

const bud = (name, words = []) =>
  command(
    'buildah',
    [
      'bud',
      '--layers',
      '--isolation',
      'chroot',
      '--pull-never',
      '--format',
      'docker',
      '-t',
      name,
      ...words,
      '.',
    ],
    {
      cwd: context,
    },
  );

/** What `fleet-depot image` says of an image with the packages of the context. */
const makeImage = (base, output) =>
  command(process.execPath, [join(root, 'bin/fleet-depot.js'), 'image', '--content', join(context, 'content'),
    '--base', base, '--layer-size', '2MiB', '--tag', 'localhost/fleet-depot-test:made', '-o', output]); // prettier-ignore

const writeContent = async (folder, count, manifest = {}) => {
  const { writeZipPackage } = await import('../build/test/support/packages.js');
  const { signatureOf } = await import('../build/test/support/armored.js');
  const signature = await signatureOf('anything');
  mkdirSync(folder, { recursive: true });
  for (let at = 0; at < count; at += 1) {
    // Random bytes don't compress: three such packages exceed a layer of 1 MiB.
    const noise = Buffer.from(Array.from({ length: 500_000 }, () => randomInt(256)));
    const path = await writeZipPackage(folder, {
      name: `demo_${at}`,
      manifest,
      files: { 'img/screenshot.png': noise },
    });
    writeFileSync(`${path}.sig`, signature);
  }
};

const makeCertificate = (folder) => {
  mkdirSync(folder);
  command('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost',
    '-addext', 'subjectAltName=DNS:localhost', '-keyout', join(folder, 'tls.key'), '-out', join(folder, 'tls.crt')]); // prettier-ignore
  command('chmod', ['-R', 'a+rX', folder]);
};

const searched = (answer) => JSON.parse(answer.text).map(({ name }) => name);
const randomUid = () => randomInt(10_000, 1_000_000);

await test('images', { skip, timeout: 900_000 }, async (t) => {
  mkdirSync(context);
  for (const item of [
    'assets',
    'bin',
    'deploy',
    'distributions',
    'packages',
    'scripts',
    'src',
    'Dockerfile',
    '.dockerignore',
    '.npmrc',
    'LICENSE',
    'NOTICE',
    'THIRD-PARTY.md',
    'package.json',
    'package-lock.json',
    'tsconfig.json',
  ]) {
    // prettier-ignore
    cpSync(join(root, item), join(context, item), { recursive: true });
  }
  await writeContent(join(context, 'content'), 5);
  // As under umask 077: the image must be readable for every user all the same.
  command('chmod', ['-R', 'go-rwx', context]);
  const certificates = join(work, 'certificates');
  makeCertificate(certificates);

  await t.test('the server image is built, small and without development dependencies', () => {
    bud(names.server);
    const sizeOf = (image) => JSON.parse(command('buildah', ['images', '--json', image]))[0].size;
    t.diagnostic(`base ${sizeOf(baseImage)}, server ${sizeOf(names.server)}`);
    const config = configOf(names.server);
    assert.equal(config.User, '1000');
    assert.ok(config.Env.includes('EPR_ADDRESS=0.0.0.0:8080'));
    for (const line of [config.Entrypoint, config.Cmd, config.Healthcheck.Test]) {
      assert.ok(
        Array.isArray(line) && !line.includes('CMD-SHELL') && !line.includes('sh'),
        JSON.stringify(line),
      );
    }
    const container = command('buildah', ['from', '--pull-never', names.server]);
    try {
      const list = command('buildah', [
        'run',
        '--isolation',
        'chroot',
        container,
        '--',
        'ls',
        '/opt/fleet-depot/node_modules',
      ]);
      assert.ok(list.includes('koa') && !/typescript|oxlint|\bava\b/.test(list), list);
      assert.equal(command('buildah', ['run', '--isolation', 'chroot', container, '--', 'id', '-u']), '1000');
    } finally {
      command('buildah', ['rm', container]);
    }
  });

  await t.test('it serves under a random UID with a read-only root, and SIGTERM ends it with 0', async () => {
    const uid = randomUid();
    const container = await startContainer(names.server, { uid });
    try {
      assert.deepEqual(container.status(), { uid, effectiveCapabilities: '0000000000000000' });
      assert.equal(container.call('http://127.0.0.1:8080/').status, 200);
      assert.deepEqual(searched(container.call('http://127.0.0.1:8080/search')), []);
      assert.match(container.health().text, /^ready: /);
      assert.deepEqual(await container.stop(), { code: 0, signal: null });
    } finally {
      await container.remove();
    }
  });

  await t.test('packages that are mounted are served', async () => {
    const mounted = join(work, 'mounted');
    cpSync(join(context, 'content'), mounted, { recursive: true });
    command('chmod', ['-R', 'a+rX', mounted]);
    const container = await startContainer(names.server, {
      uid: 1000,
      binds: { '/packages/package-registry': mounted },
    });
    try {
      assert.ok(searched(container.call('http://127.0.0.1:8080/search')).includes('demo_0'));
      assert.deepEqual(await container.stop(), { code: 0, signal: null });
    } finally {
      await container.remove();
    }
  });

  await t.test('with TLS on port 443 it is healthy, and its health check follows', async () => {
    const container = await startContainer(names.server, {
      uid: randomUid(),
      env: {
        EPR_ADDRESS: '0.0.0.0:443',
        EPR_TLS_CERT: '/etc/ssl/depot/tls.crt',
        EPR_TLS_KEY: '/etc/ssl/depot/tls.key',
        EPR_TLS_MIN_VERSION: '1.2',
      },
      binds: { '/etc/ssl/depot': certificates },
    });
    try {
      assert.match(container.health().text, /^ready: /);
      assert.equal(container.call('https://localhost/health', join(certificates, 'tls.crt')).status, 200);
      assert.throws(() => container.call('http://127.0.0.1:8080/'));
      assert.deepEqual(await container.stop(), { code: 0, signal: null });
    } finally {
      await container.remove();
    }
  });

  await t.test('flags behind the image go to serve', async () => {
    const container = await startContainer(names.server, { uid: 1000, words: ['-cache-time-search', '7s'] });
    try {
      assert.equal(container.call('http://127.0.0.1:8080/').status, 200);
      assert.deepEqual(await container.stop(), { code: 0, signal: null });
    } finally {
      await container.remove();
    }
  });

  await t.test('DISTRIBUTION=FOLDER brings its packages, in several layers below the limit', async () => {
    const limit = 1_600_000;
    bud(names.content, ['--build-arg', 'DISTRIBUTION=content', '--build-arg', `LAYER_BYTES=${limit}`]);
    const archive = join(work, 'content-image.tar');
    command('buildah', ['push', '--disable-compression', names.content, `oci-archive:${archive}`]);
    const layers = layersOf(archive, 'content');
    assert.ok(layers.filter((size) => size > 400_000 && size <= limit + 100_000).length >= 2, layers.join());
    const container = await startContainer(names.content, { uid: randomUid() });
    try {
      const found = searched(container.call('http://127.0.0.1:8080/search'));
      assert.deepEqual(found.filter((name) => name.startsWith('demo_')).length, 5);
      assert.deepEqual(await container.stop(), { code: 0, signal: null });
    } finally {
      await container.remove();
    }
  });

  await t.test('a DISTRIBUTION that is neither a folder nor known ends the build with the way out', () => {
    assert.throws(
      () => bud('localhost/fleet-depot-test:none', ['--build-arg', 'DISTRIBUTION=nowhere']),
      /DISTRIBUTION=FOLDER/,
    );
  });

  await t.test(
    'DISTRIBUTION=NAME|FILE is fetched while building, from another registry with its own CA and key',
    async () => {
      const upstream = await startUpstream(join(work, 'upstream'), ['apache', 'nginx', 'own_package']);
      const distributions = {
        lite: ['apache', 'nginx'],
        full: ['apache', 'nginx', 'own_package'],
        'definitions/own.yml': ['own_package'],
      };
      mkdirSync(join(context, 'definitions'));
      writeFileSync(
        join(context, 'definitions/own.yml'),
        `address: ${upstream.address}\nqueries:\n  - package: own_package\n`,
      );
      const secrets = [
        '--secret',
        `id=ca,src=${upstream.ca}`,
        '--secret',
        `id=keyring,src=${upstream.keyring}`,
      ];
      try {
        assert.throws(
          () =>
            bud(names.content, [
              '--build-arg',
              'DISTRIBUTION=lite',
              '--build-arg',
              `ADDRESS=${upstream.address}`,
            ]),
          /--secret id=ca,src=FILE/,
        );
        for (const [distribution, expected] of Object.entries(distributions)) {
          const address = distribution.endsWith('.yml') ? [] : ['--build-arg', `ADDRESS=${upstream.address}`];
          bud(names.content, ['--build-arg', `DISTRIBUTION=${distribution}`, ...address, ...secrets]);
          const uid = randomUid();
          const container = await startContainer(names.content, { uid });
          try {
            assert.deepEqual(container.status(), { uid, effectiveCapabilities: '0000000000000000' });
            assert.deepEqual(searched(container.call('http://127.0.0.1:8080/search')).toSorted(), expected);
            // Its index is ready: a start only sees that the content is the one that was judged while building.
            const check = container.verb('index', 'check');
            assert.match(
              check.text,
              /whole, (?:1 package|\d+ packages) in it, (\d+) found; a start reads (none of them|0, compares \1 and forgets 0)/,
            );
            assert.deepEqual(await container.stop(), { code: 0, signal: null });
          } finally {
            await container.remove();
          }
        }
      } finally {
        await upstream.stop();
      }
    },
  );

  for (const form of ['docker-archive', 'oci-archive']) {
    await t.test(
      `\`fleet-depot image\` upon a ${form} makes an image that runs, from either reading`,
      async () => {
        const health = configOf(names.server).Healthcheck.Test;
        const [base, output] = [join(work, `base-${form}.tar`), join(work, `made-${form}.tar`)];
        command('buildah', ['push', names.server, `${form}:${base}`]);
        const said = makeImage(base, output);
        assert.match(said, /^ready index of 5 packages in \/var\/cache\/fleet-depot\/index-/m);
        makeImage(base, `${output}.again`);
        assert.ok(readFileSync(output).equals(readFileSync(`${output}.again`)), 'the same bytes again');
        rmSync(`${output}.again`);
        for (const reading of ['docker-archive', 'oci-archive']) {
          const id = command('buildah', ['pull', '--quiet', `${reading}:${output}`]);
          const container = await startContainer(id, { uid: randomUid(), health });
          try {
            assert.equal(
              searched(container.call('http://127.0.0.1:8080/search')).filter((name) =>
                name.startsWith('demo_'),
              ).length,
              5,
            );
            assert.match(
              container.verb('index', 'check').text,
              /whole, 5 packages in it, 5 found; a start reads 0, compares 5 and forgets 0/,
            );
            assert.ok(!container.log().includes('index-not-taken'), container.log());
            assert.deepEqual(await container.stop(), { code: 0, signal: null });
          } finally {
            await container.remove();
            spawnSync('buildah', ['rmi', '--force', id]);
          }
        }
        assert.ok(statSync(output).size > 0);
      },
    );
  }

  await t.test(
    'the index of `fleet-depot image` is not believed of other content under the same names',
    async () => {
      const health = configOf(names.server).Healthcheck.Test;
      const output = join(work, 'made-docker-archive.tar');
      const id = command('buildah', ['pull', '--quiet', `docker-archive:${output}`]);
      const other = join(work, 'other');
      await writeContent(other, 2, { description: 'Another one.' });
      const container = await startContainer(id, {
        uid: randomUid(),
        health,
        binds: { '/packages/distribution': other },
      });
      try {
        const found = JSON.parse(container.call('http://127.0.0.1:8080/search').text);
        assert.deepEqual(
          found.map(({ description }) => description),
          ['Another one.', 'Another one.'],
        );
        assert.deepEqual(await container.stop(), { code: 0, signal: null });
      } finally {
        await container.remove();
        spawnSync('buildah', ['rmi', '--force', id]);
      }
    },
  );

  await t.test(
    'upon a base with another build of the program the image has no index, says so and runs',
    async () => {
      const changed = command('buildah', ['from', '--pull-never', names.server]);
      const file = '/opt/fleet-depot/dist/judging.sha256';
      command('buildah', ['run', '--user', '0', '--isolation', 'chroot', changed, '--', 'sh', '-c', `echo other > ${file}`]); // prettier-ignore
      command('buildah', [
        'commit',
        '--quiet',
        '--format',
        'docker',
        '--rm',
        changed,
        `${names.server}:other`,
      ]);
      const [base, output] = [join(work, 'base-other.tar'), join(work, 'made-other.tar')];
      command('buildah', ['push', `${names.server}:other`, `docker-archive:${base}`]);
      assert.match(makeImage(base, output), /^no ready index, .*another build of the program/m);
      const id = command('buildah', ['pull', '--quiet', `docker-archive:${output}`]);
      const container = await startContainer(id, { uid: randomUid() });
      try {
        assert.equal(searched(container.call('http://127.0.0.1:8080/search')).length, 5);
        assert.match(
          container.verb('index', 'check').text,
          /there is no index of this version for these settings/,
        );
        assert.deepEqual(await container.stop(), { code: 0, signal: null });
      } finally {
        await container.remove();
        spawnSync('buildah', ['rmi', '--force', id, `${names.server}:other`]);
      }
    },
  );

  for (const name of Object.values(names)) {
    spawnSync('buildah', ['rmi', '--force', name]);
  }
});

/** Sizes of an OCI archive's layers. */
function layersOf(archive) {
  const folder = mkdtempSync(join(work, 'layers-'));
  command('tar', ['-xf', archive, '-C', folder]);
  const read = (path) => JSON.parse(command('cat', [join(folder, path)]));
  const manifest = read(`blobs/sha256/${read('index.json').manifests[0].digest.slice(7)}`);
  return manifest.layers.map(({ size }) => size);
}

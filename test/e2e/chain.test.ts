import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { openGnupg } from '../signing/gnupg.ts';
import {
  archivesIn,
  createChainSite,
  fillUpstream,
  hasProgram,
  listed,
  selectGolden,
  untilListed,
} from '../support/chain-site.ts';
import { runConformance } from '../support/corpus.ts';

// The newest of each name comes with the first round, the others with the second.
const newest = ['apache-1.6.0', 'elastic_agent-1.3.5', 'linux-0.6.8', 'log-1.0.0', 'synthetics-0.10.3'];
const older = ['elastic_agent-1.3.0', 'linux-0.6.7', 'synthetics-0.10.2'];
const names = newest.map((id) => id.slice(0, id.indexOf('-')));

const definition = (all: boolean): string =>
  [
    'queries:',
    ...names.flatMap((name) => [
      `  - package: ${name}`,
      '    prerelease: true',
      ...(all ? ['    all: true'] : []),
    ]),
    '',
  ].join('\n');

const searches = [
  '/search',
  '/search?prerelease=true',
  '/search?all=true&prerelease=true',
  '/search?kibana.version=8.4.0&spec.min=2.3&spec.max=3.5',
  '/search?kibana.version=8.19.0&prerelease=true',
  '/search?package=apache&all=true',
  '/search?type=input&prerelease=true',
  '/categories',
  '/categories?prerelease=true&include_policy_templates=true',
];

test('packages go from a registry outside to a server inside, come more, and go back', async (t) => {
  const site = await createChainSite(t);
  if (!site) {
    return;
  }
  const { at, run, authority, tlsFlags } = site;

  // Outside: a registry with signed packages, over TLS by a CA of its own.
  const known = await fillUpstream(t, at('upstream'), [...newest, ...older]);
  const [publisher, carrier] = [await site.makeKey('publisher'), await site.makeKey('carrier')];
  await run(['sign', at('upstream'), '--key', at('publisher.key')]);
  const upstream = await site.serve([
    '-package-paths',
    at('upstream'),
    '-kibana-key',
    publisher,
    ...tlsFlags,
  ]);
  await run(['keys', 'add', at('publisher.pub.asc'), '--keyring', at('outside-keys'), '--expect', publisher]);
  await writeFile(at('some.yml'), definition(false));
  await writeFile(at('more.yml'), definition(true));
  const sync = (file: string, words: readonly string[]): Promise<unknown> =>
    run([
      'sync',
      at(file),
      '--to',
      at('out'),
      '--address',
      upstream.url,
      '--ca',
      authority.file,
      '--keyring',
      at('outside-keys'),
      ...words,
    ]);

  // First round, through a proxy that asks for a password.
  const proxy = await site.startProxy();
  await sync('some.yml', ['--json', ...(proxy?.flags ?? [])]);
  t.deepEqual(await archivesIn(at('out')), newest);
  await run(['verify', at('out'), '--keyring', at('outside-keys')]);
  await run(['verify', at('out', 'distribution.lock'), '--keyring', at('outside-keys')]);
  await run(['bundle', 'create', '--from', at('out'), '--key', at('carrier.key'), '-o', at('one.tar')]);

  // Inside: another depot, which trusts the carrier alone; the server trusts who signed the packages.
  await run(['keys', 'add', at('carrier.pub.asc'), '--depot', at('depot'), '--expect', carrier]);
  await run(['verify', at('one.tar'), '--keyring', at('depot', 'keys')]);
  await run(['bundle', 'import', at('one.tar'), '--into', at('depot')]);
  const carried = await run(['verify', at('depot'), '--keyring', at('outside-keys')]);
  t.true(carried.stdout.endsWith(`${newest.length} good, 0 bad\n`), carried.stdout);
  // Signatures hidden from a Kibana that trusts another key, as the known answers have none.
  const rules = [
    '-signature-policy',
    'verified',
    '-keyring',
    at('outside-keys'),
    '-foreign-signatures',
    'hide',
  ];
  const inside = await site.serve([
    '-package-paths',
    at('depot', 'current'),
    '-poll-interval',
    '300ms',
    ...rules,
  ]);
  t.deepEqual(await listed(inside.url), newest);
  await mkdir(at('same'));
  for (const id of newest) {
    await copyFile(at('upstream', `${id}.zip`), at('same', `${id}.zip`));
    await copyFile(at('upstream', `${id}.zip.sig`), at('same', `${id}.zip.sig`));
  }
  const same = await site.serve(['-package-paths', at('same'), ...rules]);
  for (const path of searches) {
    const [here, there] = await Promise.all([fetch(inside.url + path), fetch(same.url + path)]);
    t.is(here.status, 200, path);
    t.is(await here.text(), await there.text(), path);
  }
  same.signal('SIGTERM');
  if (known) {
    t.true((await selectGolden(at('golden'), new Set(newest))) > 10);
    t.regex(await runConformance(inside.url, at('golden')), /[1-9]\d* passed, 0 failed/);
  }

  // Second round, with more versions, through a gateway that demands a client certificate; only what is new is carried.
  await run(['bundle', 'receipt', '--depot', at('depot'), '-o', at('receipt.txt')]);
  const gateway = await site.startGateway();
  await sync('more.yml', gateway.flags);
  t.is(gateway.connects[0]?.subject, 'carrier');
  const all = [...newest, ...older].toSorted();
  t.deepEqual(await archivesIn(at('out')), all);
  const more = await run([
    'bundle',
    'create',
    '--from',
    at('out'),
    '--since',
    at('receipt.txt'),
    '--key',
    at('carrier.key'),
    '-o',
    at('two.tar'),
    '--json',
  ]);
  const { heldFiles, files } = JSON.parse(more.stdout) as { heldFiles: number; files: number };
  t.is(files, all.length * 2 + 1);
  t.is(heldFiles, older.length * 2 + 1, 'the older archives, their signatures and the lock file');
  await run(['bundle', 'import', at('two.tar'), '--into', at('depot')]);
  await untilListed(inside.url, all);
  await run(['snapshot', 'rollback', '--depot', at('depot')]);
  await untilListed(inside.url, newest);
  await run(['snapshot', 'verify', '--depot', at('depot')]);
  const { stdout } = await run(['snapshot', 'log', '--depot', at('depot')]);
  t.deepEqual(stdout.match(/\b(?:init|import|switch|rollback)\b(?= )/g), [
    'init',
    'import',
    'switch',
    'import',
    'switch',
    'rollback',
  ]);

  // What others say of it.
  const gnupg = await openGnupg(t);
  if (gnupg !== undefined) {
    await gnupg.importKey(await readFile(at('publisher.pub.asc'), 'utf8'));
    await gnupg.importKey(await readFile(at('carrier.pub.asc'), 'utf8'));
    for (const id of newest) {
      const archive = at('depot', 'current', `${id}.zip`);
      const { ok, status } = await gnupg.verify(
        await readFile(archive),
        await readFile(`${archive}.sig`, 'utf8'),
      );
      t.true(ok && status.includes(`VALIDSIG ${publisher}`), status);
    }
    const entry = (name: string): Buffer => execFileSync('tar', ['xOf', at('two.tar'), name]);
    const { ok, status } = await gnupg.verify(entry('manifest.json'), entry('manifest.json.asc').toString());
    t.true(ok && status.includes(`VALIDSIG ${carrier}`), status);
  }
  await run(['image', '--content', at('depot'), '-o', at('image.tar'), '--tag', 'site:one']);
  if (hasProgram('skopeo')) {
    for (const name of [`docker-archive:${at('image.tar')}`, `oci-archive:${at('image.tar')}:one`]) {
      const said = execFileSync('skopeo', ['--insecure-policy', 'inspect', name], {
        encoding: 'utf8',
        env: { ...process.env, HOME: at() },
      });
      t.true((JSON.parse(said) as { Layers: unknown[] }).Layers.length > 0);
    }
    execFileSync('skopeo', [
      '--insecure-policy',
      'copy',
      `oci-archive:${at('image.tar')}:one`,
      `dir:${at('copied')}`,
    ]);
  } else {
    t.log('skopeo is not on this machine: the image was not read by it');
  }
  t.deepEqual(await archivesIn(join(at('depot'), 'current')), newest);
});

import test from 'ava';
import { execFile } from 'node:child_process';
import {
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { promisify } from 'node:util';
import { createBundleVerb } from '../../src/cli/bundle.ts';
import { processEnvironment } from '../../src/cli/depot-report.ts';
import { gc as gcVerb } from '../../src/cli/gc.ts';
import { snapshot as snapshotVerb } from '../../src/cli/snapshot.ts';
import { openDepot } from '../../src/depot/depot.ts';
import { digestOf } from '../../src/files/digest.ts';
import { formatLockFile } from '../../src/mirror/record/lock-file.ts';
import { createBundleSite, carriedFiles, type BundleSite } from '../support/bundle-site.ts';
import { runVerb, type VerbRun } from './verb-run.ts';

interface Desk {
  readonly site: BundleSite;
  readonly bundle: (...args: readonly string[]) => Promise<VerbRun>;
  readonly snapshot: (...args: readonly string[]) => Promise<VerbRun>;
  readonly gc: (...args: readonly string[]) => Promise<VerbRun>;
}

const desk = async (t: import('ava').ExecutionContext): Promise<Desk> => {
  const site = await createBundleSite(t);
  const verb = createBundleVerb({
    loadSigner: async () => site.signer,
    loadVerifier: async () => site.verifier,
  });
  const depot = ['--depot', site.at('depot')];
  return {
    site,
    bundle: (...args) => run(verb, args),
    snapshot: (...args) => run(snapshotVerb, [...args, ...depot]),
    gc: (...args) => run(gcVerb, [...args, ...depot]),
  };
};

/** Runs a verb; rejects with what it throws. */
const run = async (...args: Parameters<typeof runVerb>): Promise<VerbRun> => {
  const done = await runVerb(...args);
  if (done.error !== undefined) {
    throw done.error;
  }
  return done;
};

const json = (done: VerbRun): Record<string, unknown> => JSON.parse(done.stdout) as Record<string, unknown>;

test('the whole chain: create, verify, dry run, import, receipt, difference, rollback, gc', async (t) => {
  const { site, bundle, snapshot, gc } = await desk(t);
  const [one, two, receipt, depot] = [
    site.at('one.tar'),
    site.at('two.tar'),
    site.at('receipt.txt'),
    site.at('depot'),
  ];
  await site.folder('in', carriedFiles(3));
  const made = await bundle('create', '--from', site.at('in'), '--key', 'site.key', '-o', one);
  t.is(made.exitCode, 0);
  t.regex(
    made.stdout,
    new RegExp(`6 contents .* for a set of 6 files .*\nsigned by ${site.signer.fingerprint}`),
  );
  t.regex((await bundle('verify', one)).stdout, /: whole, signed by/);

  const plan = await bundle('import', one, '--into', depot, '--dry-run');
  t.regex(plan.stdout, /\+ pkg0-1\.0\.0\.zip\n[\s\S]*6 added [\s\S]*nothing was changed/);
  await t.throwsAsync(readlink(site.at('depot/current')), { code: 'ENOENT' });

  const first = json(await bundle('import', one, '--into', depot, '--json'));
  t.is(first['written'], 6);
  t.is((await bundle('receipt', '--depot', depot, '-o', receipt)).exitCode, 0);

  await site.folder('in', { 'pkg9-2.0.0.zip': 'the new one' });
  const differential = json(
    await bundle('create', '--from', site.at('in'), '--since', receipt, '--key', 'k', '-o', two, '--json'),
  );
  t.is(differential['heldFiles'], 1);
  t.regex(
    (await bundle('verify', two)).stdout,
    new RegExp(
      `: whole, signed by .*\nit holds only what is new to snapshot ${String(first['snapshot'])} of depot `,
    ),
  );
  const second = await bundle('import', two, '--into', depot);
  t.regex(
    second.stdout,
    /\+ pkg9-2\.0\.0\.zip\n1 added .*6 kept\n1 content written, 0 were here already\nsnapshot .* is current/,
  );

  const listed = JSON.parse((await snapshot('list', '--json')).stdout) as { id: string; current: boolean }[];
  t.deepEqual(
    listed.map((row) => row.current),
    [false, true],
  );
  t.regex((await snapshot('diff', 'previous', 'current')).stdout, /^\+ pkg9-2\.0\.0\.zip\n1 added/);
  t.regex((await snapshot('show')).stdout, /pkg9-2\.0\.0\.zip +11 +[0-9a-f]{64}/);
  t.regex(
    (await snapshot('rollback')).stdout,
    new RegExp(`^${listed[0]?.id} is current \\(before: ${listed[1]?.id}\\)`),
  );
  t.is(await readlink(site.at('depot/current')), `snapshots/${String(first['snapshot'])}`);

  t.regex((await snapshot('pin', listed[1]?.id ?? '')).stdout, /is pinned\n/);
  t.regex((await snapshot('label', 'current', 'tested')).stdout, /labelled tested\n/);
  t.regex((await snapshot('list')).stdout, /current, tested\n[\s\S]* pinned\n/);
  t.regex(
    (await snapshot('label', listed[1]?.id ?? '', 'tested')).stdout,
    /tested \(before: \S+, which it no longer/,
  );
  await snapshot('label', 'current', 'tested');
  t.regex((await gc('--keep', '1')).stdout, /0 snapshots and 0 contents would go/);
  await snapshot('unpin', listed[1]?.id ?? '');
  await snapshot('rollback', listed[1]?.id ?? '');
  await snapshot('unlabel', 'tested');
  t.regex((await gc('--keep', '1')).stdout, /1 snapshot and 0 contents would go: 0 bytes/);
  t.is(json(await gc('--keep', '1', '--yes', '--json'))['dryRun'], false);
  t.is((JSON.parse((await snapshot('list', '--json')).stdout) as unknown[]).length, 1);
  const log = await snapshot('log');
  for (const action of ['init', 'import', 'switch', 'rollback', 'pin', 'label', 'unpin', 'unlabel', 'gc']) {
    t.regex(log.stdout, new RegExp(` ${action} `));
  }
  t.regex((await snapshot('verify')).stdout, /no damage\n$/);
});

test('a bundle that is refused for its base leaves no depot behind', async (t) => {
  const { site, bundle } = await desk(t);
  await site.folder('in', carriedFiles(1));
  const [one, two] = [site.at('one.tar'), site.at('two.tar')];
  await bundle('create', '--from', site.at('in'), '--key', 'k', '-o', one);
  await bundle('import', one, '--into', site.at('depot'));
  await bundle('receipt', '--depot', site.at('depot'), '-o', site.at('r'));
  await bundle('create', '--from', site.at('in'), '--key', 'k', '--since', site.at('r'), '-o', two);
  await t.throwsAsync(bundle('import', two, '--into', site.at('other')), { code: 'BUNDLE_BASE_MISSING' });
  t.false((await readdir(site.root)).includes('other'));
});

test('a receipt that cannot be written is told by its name', async (t) => {
  const { site, bundle } = await desk(t);
  await site.folder('in', { ...carriedFiles(1), plain: 'a file, no folder' });
  await bundle('create', '--from', site.at('in'), '--key', 'k', '-o', site.at('one.tar'));
  await bundle('import', site.at('one.tar'), '--into', site.at('depot'));
  const target = site.at('in/plain/receipt');
  await t.throwsAsync(bundle('receipt', '--depot', site.at('depot'), '-o', target), {
    code: 'FILE_FAILED',
    message: `${target}: a part of its path is not a folder`,
  });
});

test('a device or a pipe is never replaced by a file, and a receipt goes to standard output as `-`', async (t) => {
  const { site, bundle } = await desk(t);
  await site.folder('in', carriedFiles(1));
  const [one, pipe, depot] = [site.at('one.tar'), site.at('pipe'), site.at('depot')];
  await promisify(execFile)('mkfifo', [pipe]);
  const create = ['create', '--from', site.at('in'), '--key', 'k', '-o'];
  await bundle(...create, one);
  await bundle('import', one, '--into', depot);
  const refused = { code: 'FILE_FAILED', message: /a device or a pipe/ };
  await t.throwsAsync(bundle('receipt', '--depot', depot, '-o', pipe), refused);
  await t.throwsAsync(bundle(...create, pipe, '--replace'), refused);
  await t.throwsAsync(bundle('verify', pipe), refused);
  await t.throwsAsync(bundle('import', pipe, '--into', depot), refused);
  t.true((await stat(pipe)).isFIFO());

  await bundle('receipt', '--depot', depot, '-o', site.at('receipt'));
  const printed = await bundle('receipt', '--depot', depot, '-o', '-');
  t.is(printed.stdout, await readFile(site.at('receipt'), 'utf8'));
  await t.throwsAsync(bundle('receipt', '--depot', depot, '-o', '-', '--json'), { code: 'USAGE' });
});

test('whatever the umask of who imports, a server of another user can read what it serves', async (t) => {
  const site = await createBundleSite(t);
  const folder = await site.folder('in', { ...carriedFiles(2), 'artifacts/x/y.bin': 'y' });
  const start = promisify(execFile);
  const program = `umask 077 && exec "$0" bin/fleet-depot.js "$@"`;
  const verb = (...words: readonly string[]) =>
    start('sh', ['-c', program, process.execPath, ...words], { env: { HOME: site.at('.') } });
  await verb('sign', '--init', '--name', 'Site', '--no-passphrase', '--key', site.at('s.key'));
  await verb('keys', 'add', site.at('s.pub.asc'), '--keyring', site.at('etc/keys'), '--yes');
  await verb('bundle', 'create', '--from', folder, '--unsigned', '-o', site.at('open.tar'));
  const taken = ['bundle', 'import', site.at('open.tar'), '--into', site.at('depot'), '--allow-unsigned'];
  await verb(...taken);
  const current = await realpath(site.at('depot/current'));
  // What is put back is readable, too.
  await rm(`${current}/artifacts`, { recursive: true });
  await verb(...taken);
  const others = async (path: string): Promise<number> => (await stat(path)).mode & 0o005;
  t.is(await others(site.at('etc/keys')), 0o005, 'the keyring holds nothing secret');
  t.is(await others(site.at('etc')), 0, 'the folders above it are the umask’s');
  t.is(await others(site.at('depot')), 0, 'the folder of the depot keeps others out, as the umask says');
  for (const path of ['', '..', 'artifacts', 'artifacts/x']) {
    t.is(await others(`${current}/${path}`), 0o005, path);
  }
  for (const path of ['pkg0-1.0.0.zip', 'artifacts/x/y.bin']) {
    t.is(await others(`${current}/${path}`), 0o004, path);
  }
});

test('a folder that is not what its lock file says makes no bundle, and a folder is never replaced by one', async (t) => {
  const { site, bundle } = await desk(t);
  const packages = [
    { name: 'pkg', version: '1.0.0', sha256: digestOf('pkg'), size: 3, source: 'https://upstream.example/' },
  ];
  const lock = formatLockFile({ distribution: 'lite', address: 'https://upstream.example', packages });
  await site.folder('in', { 'pkg-1.0.0.zip': 'PKG', 'own-1.0.0.zip': 'ours', 'distribution.lock': lock });
  const create = ['create', '--from', site.at('in'), '--key', 'k', '--replace', '-o'];
  const changed = { code: 'BUNDLE_UNFIT', message: /pkg-1\.0\.0\.zip isn't what .*distribution\.lock says/ };
  await t.throwsAsync(bundle(...create, site.at('b.tar')), changed);
  await rm(site.at('in/pkg-1.0.0.zip'));
  const gone = { code: 'BUNDLE_UNFIT', message: /pkg-1\.0\.0\.zip is in distribution\.lock, but not here/ };
  await t.throwsAsync(bundle(...create, site.at('b.tar')), gone);
  await site.folder('in', { 'pkg-1.0.0.zip': 'pkg' });
  const folder = { code: 'BUNDLE_UNFIT', message: /taken is a folder/ };
  await site.folder('taken', { x: '' });
  await t.throwsAsync(bundle(...create, site.at('taken')), folder);
  await t.throwsAsync(bundle(...create, site.at('taken'), '--volume-size', '1MiB'), folder);
  t.is((await bundle(...create, site.at('b.tar'))).exitCode, 0);
});

test('some volumes of many verify with exit code 3, all with 0', async (t) => {
  const { site, bundle } = await desk(t);
  await site.folder('in', carriedFiles(12, 20_000));
  const made = json(
    await bundle(
      'create',
      '--from',
      site.at('in'),
      '--key',
      'k',
      '--volume-size',
      '150KB',
      '-o',
      site.at('b.tar'),
      '--json',
    ),
  );
  const names = (made['volumes'] as { path: string }[]).map((volume) => volume.path);
  t.is((await bundle('verify', ...names)).exitCode, 0);
  const some = await bundle('verify', ...names.slice(1));
  t.is(some.exitCode, 3);
  t.regex(some.stdout, /: what was given is whole, signed by [\s\S]*not given: volume 1\n/);
});

test('a plan lists every file, an import no more than a screen of them, and what goes or changes comes first', async (t) => {
  const { site, bundle } = await desk(t);
  const carry = async (files: Readonly<Record<string, Uint8Array>>, name: string): Promise<string[]> => {
    await site.folder(name, files);
    await bundle('create', '--from', site.at(name), '--key', 'k', '-o', site.at(`${name}.tar`));
    return ['import', site.at(`${name}.tar`), '--into', site.at('depot')];
  };
  await bundle(...(await carry({ 'gone-1.0.0.zip': Buffer.from('gone') }, 'one')));
  const words = await carry(carriedFiles(30, 10), 'two');
  t.is((await bundle(...words, '--dry-run')).stdout.match(/^\+ pkg/gm)?.length, 60);
  const { stdout } = await bundle(...words);
  t.regex(stdout, /^- gone-1\.0\.0\.zip\n\+ pkg0-1\.0\.0\.zip\n/);
  t.is(stdout.match(/^\+ pkg/gm)?.length, 39);
  t.regex(stdout, /\nand 21 more \(`snapshot diff` and --json have all\)\n60 added/);
});

test('a bundle is signed unless told otherwise, and existing files are not overwritten', async (t) => {
  const { site, bundle } = await desk(t);
  await site.folder('in', carriedFiles(1));
  const args = ['create', '--from', site.at('in'), '-o', site.at('b.tar')];
  await t.throwsAsync(bundle(...args), { code: 'USAGE', message: /--key/ });
  await t.throwsAsync(bundle(...args, '--key', 'k', '--unsigned'), { code: 'USAGE' });
  t.regex((await bundle(...args, '--unsigned')).stdout, /not signed/);
  await t.throwsAsync(bundle(...args, '--key', 'k'), { code: 'BUNDLE_UNFIT', message: /exists already/ });
  t.is((await bundle(...args, '--key', 'k', '--replace')).exitCode, 0);
  await t.throwsAsync(bundle('create', '--from', site.at('in'), '-o', site.at('in/b.tar'), '--unsigned'), {
    code: 'USAGE',
    message: /inside/,
  });
  await symlink('in', site.at('alias'));
  for (const [from, output] of [
    ['in', 'alias/b.tar'],
    ['alias', 'in/artifacts/b.tar'],
  ] as const) {
    await t.throwsAsync(bundle('create', '--from', site.at(from), '-o', site.at(output), '--unsigned'), {
      code: 'USAGE',
      message: /inside/,
    });
  }
  const other = ['create', '--from', site.at('in'), '--unsigned', '-o'];
  await t.throwsAsync(bundle(...other, '-'), { code: 'USAGE', message: /-o FILE/ });
  await t.throwsAsync(bundle(...other, site.at('c.tar'), '--volume-size', 'big'), {
    code: 'USAGE',
    message: /--volume-size: 'big' is not a size/,
  });
});

test('a tampered journal makes log and verify fail, and --accept-journal is the way out', async (t) => {
  const { site, bundle, snapshot, gc } = await desk(t);
  await site.folder('in', carriedFiles(1));
  await bundle('create', '--from', site.at('in'), '--key', 'k', '-o', site.at('b.tar'));
  await bundle('import', site.at('b.tar'), '--into', site.at('depot'));
  const journal = site.at('depot/journal.jsonl');
  await writeFile(
    journal,
    (await readFile(journal, 'utf8')).replace('"action":"import"', '"action":"rollback"'),
  );
  t.is((await snapshot('log')).exitCode, 1);
  const found = await snapshot('verify');
  t.is(found.exitCode, 1);
  t.regex(found.stdout, /damage: .*journal\.jsonl: line 3: it does not follow line 2/);
  const [depot, refused] = [site.at('depot'), { code: 'JOURNAL_BROKEN' }];
  await t.throwsAsync(snapshot('rollback'), refused);
  await t.throwsAsync(gc(), refused);
  await t.throwsAsync(bundle('import', site.at('b.tar'), '--into', depot, '--dry-run'), refused);
  // What is signed here would pass for good elsewhere.
  await t.throwsAsync(bundle('create', '--from', depot, '--key', 'k', '-o', site.at('c.tar')), refused);
  const receipt = await bundle('receipt', '--depot', depot, '-o', site.at('receipt'));
  t.is(receipt.exitCode, 0);
  t.regex(receipt.stderr, /^note: .*journal\.jsonl line 3: .*`bundle import` refuses the depot/);
  const accepted = await snapshot('verify', '--accept-journal');
  t.is(accepted.exitCode, 0);
  t.regex(accepted.stderr, /journal\.damaged-[0-9a-f]{16}\.jsonl/);
  t.is((await bundle('create', '--from', depot, '--key', 'k', '-o', site.at('c.tar'))).exitCode, 0);
  t.is((await bundle('receipt', '--depot', depot, '-o', site.at('receipt'))).stderr, '');
});

for (const moment of ['after its switch', 'after its line in the journal']) {
  test(`a rollback that was killed ${moment} and is said again goes no further back`, async (t) => {
    const { site, bundle, snapshot } = await desk(t);
    const ids: string[] = [];
    for (const name of ['a', 'b', 'c']) {
      await site.folder(name, { 'x.zip': name });
      await bundle('create', '--from', site.at(name), '--key', 'k', '-o', site.at(`${name}.tar`));
      const made = await bundle('import', site.at(`${name}.tar`), '--into', site.at('depot'), '--json');
      ids.push(String(json(made)['snapshot']));
    }
    const [a, b, c] = ids;
    const depot = await openDepot(site.at('depot'), processEnvironment);
    const { layout } = depot;
    let mine = '';
    await depot.change('snapshot rollback', async () => {
      mine = await readFile(layout.lock, 'utf8');
    });
    if (moment === 'after its switch') {
      await rm(layout.current);
      await symlink(`snapshots/${b}`, layout.current);
    } else {
      await depot.change('snapshot rollback', () => depot.snapshots.switchTo(b ?? '', 'rollback'));
    }
    await writeFile(layout.lock, JSON.stringify({ ...JSON.parse(mine), pid: 2 ** 22 - 1 }));

    const again = await snapshot('rollback');
    t.is(again.exitCode, 0);
    t.regex(again.stderr, /^note: the rollback before this one was killed after its switch/);
    t.regex(again.stdout, new RegExp(`^${b} is current`));
    t.is(await depot.snapshots.current(), b);
    const further = await snapshot('rollback');
    t.is(further.stderr, '');
    t.is(await depot.snapshots.current(), a, `not ${c}, which was turned away from`);
  });
}

test('a rollback that was killed before its switch is done by the next', async (t) => {
  const { site, bundle, snapshot } = await desk(t);
  for (const name of ['a', 'b', 'c']) {
    await site.folder(name, { 'x.zip': name });
    await bundle('create', '--from', site.at(name), '--key', 'k', '-o', site.at(`${name}.tar`));
    await bundle('import', site.at(`${name}.tar`), '--into', site.at('depot'));
  }
  await snapshot('rollback');
  const { layout, change, snapshots } = await openDepot(site.at('depot'), processEnvironment);
  await change('snapshot rollback', async () => {
    await writeFile(
      site.at('kept'),
      JSON.stringify({ ...JSON.parse(await readFile(layout.lock, 'utf8')), pid: 2 ** 22 - 1 }),
    );
  });
  await rename(site.at('kept'), layout.lock);
  const [a] = await snapshots.ids();
  t.is((await snapshot('rollback')).stderr, '');
  t.is(await snapshots.current(), a);
});

import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import { createSignVerb } from '../../src/cli/sign.ts';
import { createTerminal, type Terminal } from '../../src/cli/terminal.ts';
import { createVerifyVerb } from '../../src/cli/verify.ts';
import type { VerifyDeps } from '../../src/cli/verify/deps.ts';
import { DepotError } from '../../src/domain/errors.ts';
import { temporaryNames } from '../support/left-temporary.ts';
import { checkZipMagic } from '../support/zip-magic.ts';
import { makeKey, signWith, type MadeKey } from '../signing/made-keys.ts';
import { runVerb, type VerbRun } from './verb-run.ts';

const nobody: Terminal = {
  interactive: false,
  confirm: () => Promise.reject(new Error('asked')),
  secret: () => Promise.reject(new Error('asked')),
};

interface Setup {
  readonly folder: string;
  readonly key: string;
  readonly upstream: MadeKey;
  put(name: string, signer?: MadeKey): Promise<string>;
  sign(args: readonly string[], terminal?: Terminal): Promise<VerbRun>;
  verify(args: readonly string[], deps?: Partial<VerifyDeps>): Promise<VerbRun>;
}

const setUp = async (t: ExecutionContext): Promise<Setup> => {
  const folder = await mkdtemp(join(tmpdir(), 'sign-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const upstream = await makeKey();
  const keyring = join(folder, 'trusted.asc');
  await writeFile(keyring, upstream.armored);
  const passphrase = join(folder, 'pass');
  await writeFile(passphrase, 'secret\n');
  const env = { EPR_KEYRING: keyring, FLEET_DEPOT_KEY_PASSPHRASE_FILE: passphrase };
  const key = join(folder, 'site.key');
  return {
    folder,
    key,
    upstream,
    put: async (name, signer) => {
      const path = join(folder, name);
      const data = Buffer.from(`PK\u0003\u0004${name}`);
      await writeFile(path, data);
      if (signer !== undefined) {
        await writeFile(`${path}.sig`, await signWith(signer, data));
      }
      return path;
    },
    sign: (args, terminal = nobody) =>
      runVerb(createSignVerb({ terminal, checkArchive: checkZipMagic }), args, {
        env: terminal.interactive ? { EPR_KEYRING: keyring } : env,
      }),
    verify: (args, deps = {}) =>
      runVerb(createVerifyVerb({ checkArchive: checkZipMagic, ...deps }), args, { env }),
  };
};

const init = ['--init', '--name', 'Example site', '--email', 'site@example.org', '--algorithm', 'ed25519'];

test('a site key is made, and the exact Kibana setting is printed', async (t) => {
  const { sign, key, folder } = await setUp(t);
  const made = await sign([...init, '--key', key, '--expires', '5y']);
  t.is(made.exitCode, 0);
  const line = `xpack.fleet.packageVerification.gpgKeyPath: "${join(folder, 'site.pub.asc')}"`;
  t.true(
    made.stdout.split('\n').some((text) => text.trim() === line),
    made.stdout,
  );
  t.regex(made.stdout, /restart Kibana: it reads the key once/);
  t.false(made.stdout.includes('secret'));
  t.is((await stat(key)).mode & 0o777, 0o600);
  const shown = await sign(['--public', '--key', key]);
  t.is(shown.stdout, await readFile(join(folder, 'site.pub.asc'), 'utf8'));
  t.true(shown.stderr.includes(line));
  t.is((await sign([...init, '--key', key])).error?.code, 'SITE_KEY_EXISTS');
});

test('a lifetime that OpenPGP can not say, and a name or address that is none, are refused', async (t) => {
  const { sign, key, folder } = await setUp(t);
  for (const expires of ['137y', '200y', '99999d', '80y']) {
    const refused = sign([...init, '--key', key, '--expires', expires]);
    await t.throwsAsync(refused, { message: /no time after 2106-02-07/ }, expires);
  }
  for (const [flag, value] of [
    ['--name', 'a\nb'],
    ['--name', 'Site <other@example.org>'],
    ['--name', '\u202eetiS'],
    ['--email', 'no address'],
    ['--email', 'a@b@c'],
    ['--email', 'a@'],
    ['--email', ''],
  ] as const) {
    const message = flag === '--name' ? /--name must have no/ : /--email ".*" is no address/;
    t.regex((await sign([...init, flag, value, '--key', key])).error?.message ?? '', message, value);
  }
  t.deepEqual((await readdir(folder)).toSorted(), ['pass', 'trusted.asc']);
  t.is(
    (await sign([...init, '--key', key, '--expires', '70y', '--email', 'a+b@örtchen.example'])).exitCode,
    0,
  );
});

test('a passphrase is asked for twice on a terminal, and must be the same', async (t) => {
  const { sign, key, put } = await setUp(t);
  const typing = (...answers: string[]): Terminal => ({
    ...nobody,
    interactive: true,
    secret: () => Promise.resolve(answers.shift() ?? ''),
  });
  t.regex((await sign([...init, '--key', key], typing('one', 'two'))).error?.message ?? '', /differ/);
  t.is((await sign([...init, '--key', key], typing(''))).error?.code, 'USAGE');
  t.is((await sign([...init, '--key', key], typing('one', 'one'))).exitCode, 0);
  const archive = await put('a-1.0.0.zip');
  t.is((await sign(['--key', key, archive], typing('wrong'))).error?.code, 'SITE_KEY_LOCKED');
  t.is((await sign(['--key', key, archive], typing('one'))).exitCode, 0);
});

test('an archive is signed once, verified, and tampering shows', async (t) => {
  const { sign, verify, key, folder, put } = await setUp(t);
  await sign([...init, '--key', key]);
  const archive = await put('a-1.0.0.zip');
  const signed = await sign(['--key', key, archive]);
  t.is(signed.exitCode, 0);
  t.regex(signed.stdout, /1 signed/);
  t.regex(signed.stdout, /gpgKeyPath/);
  t.regex((await sign(['--key', key, folder])).stdout, /1 already/);
  const trusted = ['--keyring', join(folder, 'site.pub.asc')];
  t.is((await verify([archive, ...trusted])).exitCode, 0);
  t.is((await verify([archive])).exitCode, 1);
  await writeFile(archive, 'PK\u0003\u0004 tampered');
  const bad = await verify([archive, ...trusted, '--json']);
  t.is(bad.exitCode, 1);
  t.like(JSON.parse(bad.stdout), {
    items: [{ ok: false, archive: 'whole', signature: 'bad', lock: 'none' }],
    summary: { good: 0, bad: 1 },
  });
});

test('a set is signed anew after it was verified, or refused as a whole with every reason', async (t) => {
  const { sign, verify, key, folder, put, upstream } = await setUp(t);
  await sign([...init, '--key', key]);
  await put('a-1.0.0.zip', upstream);
  await put('b-1.0.0.zip', upstream);
  const own = await put('own-1.0.0.zip');
  t.is((await sign(['--resign', '--dry-run', '--key', key, folder])).exitCode, 1);
  const refused = await sign(['--resign', '--key', key, folder]);
  t.is(refused.exitCode, 1);
  t.regex(refused.stdout, /refused .*own-1\.0\.0\.zip: it has no signature/);
  t.regex(refused.stderr, /nothing was changed/);
  const partly = await sign(['--resign', '--partial', '--key', key, folder, '--json']);
  t.is(partly.exitCode, 3);
  t.like(JSON.parse(partly.stdout), { summary: { signed: 2, refused: 1 }, kibana: { restart: true } });
  t.is((await sign(['--key', key, own])).exitCode, 0);
  t.is((await sign(['--resign', '--key', key, folder])).exitCode, 0);
  const verified = await verify([folder, '--keyring', join(folder, 'site.pub.asc')]);
  t.is(verified.exitCode, 0);
  t.regex(verified.stdout, /3 good, 0 bad/);
});

test('an archive that can not be written is reported alone, and the others are signed', async (t) => {
  const { sign, key, folder, put, upstream } = await setUp(t);
  await sign([...init, '--key', key]);
  await put('a-1.0.0.zip', upstream);
  await put('b-1.0.0.zip', upstream);
  const blocked: Parameters<typeof createSignVerb>[0]['checkArchive'] = async (path) => {
    // Between the check and the signing something takes the name of the copy.
    await mkdir(`${path}.sig.orig`, { recursive: true });
  };
  const verb = createSignVerb({
    terminal: nobody,
    checkArchive: (path) => (path.includes('a-1') ? blocked(path) : checkZipMagic(path)),
  });
  const env = {
    EPR_KEYRING: join(folder, 'trusted.asc'),
    FLEET_DEPOT_KEY_PASSPHRASE_FILE: join(folder, 'pass'),
  };
  const run = await runVerb(verb, ['--resign', '--key', key, folder], { env });
  t.is(run.exitCode, 3);
  t.regex(run.stdout, /failed   .*a-1\.0\.0\.zip: .*\.sig\.orig: it is no regular file/);
  t.regex(run.stdout, /1 signed, 0 already, 0 pending, 0 refused, 1 failed/);
  t.false(run.stderr.includes('nothing was changed'));
});

test('wrong use is told before anything is asked or changed', async (t) => {
  const { sign, verify, key, put, folder } = await setUp(t);
  const archive = await put('a-1.0.0.zip');
  for (const args of [
    [archive],
    ['--key', key],
    ['--init', '--key', key],
    [...init, '--resign', '--key', key],
    ['--public', '--key', key, archive],
  ]) {
    t.is((await sign(args)).error?.code, 'USAGE', args.join(' '));
  }
  await sign([...init, '--key', key]);
  t.is((await sign(['--key', key, join(folder, 'pass')])).error?.code, 'USAGE');
  t.is((await sign(['--key', key, join(folder, 'absent.zip')])).error?.code, 'SIGNED_FILE_UNREADABLE');
  t.is((await verify([join(folder, 'pass')])).error?.code, 'USAGE');
  t.is((await verify([join(folder, 'absent')])).error?.code, 'SIGNED_FILE_UNREADABLE');
});

test('a file name writes nothing to the terminal that it should not', async (t) => {
  const { sign, put, folder, key } = await setUp(t);
  await sign([...init, '--key', key]);
  await put('e\u001b[31mvil\nsigned b-1.0.0.zip');
  const { stdout } = await sign(['--key', key, '--dry-run', folder]);
  t.true(stdout.includes(String.raw`e\u001b[31mvil\nsigned b-1.0.0.zip`), stdout);
});

test('nothing inside a depot is signed, whichever folder is named', async (t) => {
  const { sign, put, folder, key, upstream } = await setUp(t);
  await sign([...init, '--key', key]);
  const snapshot = join(folder, 'above', 'depot', 'snapshots', 'one');
  await mkdir(snapshot, { recursive: true });
  await writeFile(join(folder, 'above', 'depot', 'depot.json'), '{}');
  await put(join('above', 'depot', 'snapshots', 'one', 'a-1.0.0.zip'), upstream);
  const before = await readdir(snapshot);
  for (const place of [
    'above',
    'above/depot',
    'above/depot/snapshots/one',
    'above/depot/snapshots/one/a-1.0.0.zip',
  ]) {
    for (const more of [[], ['--dry-run']]) {
      const run = await sign(['--key', key, '--resign', join(folder, place), ...more]);
      t.is(run.error?.code, 'DEPOT_INSIDE', place);
    }
  }
  t.deepEqual(await readdir(snapshot), before);
});

test('the lock file is compared: other bytes, unlisted and absent archives', async (t) => {
  const { verify, folder, put, upstream } = await setUp(t);
  await put('a-1.0.0.zip', upstream);
  await put('b-1.0.0.zip', upstream);
  await put('c-1.0.0.zip', upstream);
  await writeFile(join(folder, 'distribution.lock'), '{}');
  t.regex((await verify([folder])).stderr, /distribution\.lock was not checked/);
  const good = JSON.parse((await verify([folder, '--json'])).stdout) as { items: { sha256: string }[] };
  const archives = [
    { file: 'a-1.0.0.zip', sha256: good.items[0]?.sha256 ?? '' },
    { file: 'b-1.0.0.zip', sha256: '00' },
    { file: 'd-1.0.0.zip', sha256: '00' },
  ];
  const checked = await verify([folder, '--json'], { readLock: () => Promise.resolve({ folder, archives }) });
  t.is(checked.exitCode, 3);
  const { items } = JSON.parse(checked.stdout) as { items: { lock: string; archive: string }[] };
  t.deepEqual(
    items.map(({ lock }) => lock),
    ['agrees', 'differs', 'unlisted', 'differs'],
  );
  t.is(items[3]?.archive, 'absent');
});

test('a depot is verified by its own keyring where it has one and none is named', async (t) => {
  const { put, folder, upstream } = await setUp(t);
  const verify = (words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<VerbRun> =>
    runVerb(createVerifyVerb({ checkArchive: checkZipMagic }), words, { env: { HOME: folder, ...env } });
  const depot = join(folder, 'depot');
  await mkdir(join(depot, 'current'), { recursive: true });
  await writeFile(join(depot, 'depot.json'), '{}');
  await put(join('depot', 'current', 'a-1.0.0.zip'), upstream);
  t.is((await verify([depot])).exitCode, 1, 'it has no keyring of its own');
  await mkdir(join(depot, 'keys'));
  await writeFile(join(depot, 'keys', `${upstream.fingerprint}.asc`), upstream.armored);
  t.is((await verify([depot])).exitCode, 0);
  t.is((await verify([depot, join(depot, 'current')])).exitCode, 3, 'a folder is none');
  const other = join(folder, 'other.asc');
  await writeFile(other, (await makeKey()).armored);
  t.is((await verify([depot, '--keyring', other])).exitCode, 1);
  t.is((await verify([depot], { EPR_KEYRING: other })).exitCode, 1);
});

test('a lock file that says another size or signer than the archive has is told, but not after signing anew', async (t) => {
  const { verify, sign, put, folder, key, upstream } = await setUp(t);
  const archive = await put('a-1.0.0.zip', upstream);
  const other = await makeKey();
  await writeFile(join(folder, 'distribution.lock'), '{}');
  const { items } = JSON.parse((await verify([archive, '--json'])).stdout) as { items: { sha256: string }[] };
  const locked = { file: 'a-1.0.0.zip', sha256: items[0]?.sha256 ?? '', size: (await stat(archive)).size };
  const found = async (
    entry: object,
    ...more: string[]
  ): Promise<{ lock: string; ok: boolean; reasons: string[] }> => {
    const readLock: VerifyDeps['readLock'] = () =>
      Promise.resolve({ folder, archives: [{ ...locked, ...entry }] });
    const run = await verify([folder, '--json', ...more], { readLock });
    const [item] = (JSON.parse(run.stdout) as { items: { lock: string; ok: boolean; reasons: string[] }[] })
      .items;
    return item ?? { lock: 'none', ok: false, reasons: [] };
  };
  const signed = { signer: upstream.fingerprint };
  t.like(await found(signed), { ok: true, lock: 'agrees' });
  t.like(await found({ ...signed, size: 3 }), {
    ok: false,
    lock: 'differs',
    reasons: [`it has ${locked.size} bytes, and the lock file says 3`],
  });
  const wrong = { signer: other.fingerprint };
  t.like(await found(wrong), {
    ok: false,
    lock: 'differs',
    reasons: [`it is signed by another key than the lock file says (${other.fingerprint})`],
  });
  t.like(await found(wrong, '--no-signatures'), { ok: true });

  await sign([...init, '--key', key]);
  t.is((await sign(['--key', key, '--resign', archive])).exitCode, 0);
  const site = await readFile(join(folder, 'site.pub.asc'), 'utf8');
  const [both, siteAlone] = [join(folder, 'both.asc'), join(folder, 'site-alone.asc')];
  await writeFile(both, site + upstream.armored);
  await writeFile(siteAlone, site);
  t.like(await found(signed, '--keyring', both), { ok: true, lock: 'agrees' });
  t.like(await found(signed, '--keyring', siteAlone), { ok: true, lock: 'agrees' });
  t.like(await found(wrong, '--keyring', both), { ok: false, lock: 'differs' });
  await rm(`${archive}.sig.orig`);
  t.like(await found(signed, '--keyring', both), { ok: false, lock: 'differs' });
});

test('an archive that is not whole is bad though its signature is good, and a bundle has its own check', async (t) => {
  const { verify, put, folder, upstream } = await setUp(t);
  const archive = await put('a-1.0.0.zip', upstream);
  const broken = await verify([archive, '--json'], {
    checkArchive: () => Promise.reject(new Error('half of it is missing')),
  });
  t.like(JSON.parse(broken.stdout), {
    items: [{ ok: false, archive: 'broken', signature: 'good', reasons: ['half of it is missing'] }],
  });
  const bundle = join(folder, 'site.tar');
  await writeFile(bundle, '');
  const seen = await verify([bundle], {
    verifyBundle: (path) =>
      Promise.resolve([{ path, ok: true, archive: 'whole', lock: 'none', signature: 'good', reasons: [] }]),
  });
  t.is(seen.exitCode, 0);
  t.is((await verify([archive, '--no-signatures'])).exitCode, 0);
});

test('what is typed as a passphrase is not echoed', async (t) => {
  const input = Object.assign(new PassThrough(), { isTTY: true });
  const shown: string[] = [];
  const output = Object.assign(
    new Writable({ write: (chunk: Buffer, _encoding, done) => (shown.push(chunk.toString()), done()) }),
    { isTTY: true },
  );
  const terminal = createTerminal(input, output);
  t.true(terminal.interactive);
  const answer = terminal.secret('Passphrase');
  input.write('hidden words\r');
  t.is(await answer, 'hidden words');
  t.is(shown.join(''), 'Passphrase: \n');
  const yes = terminal.confirm('Sure?');
  input.write('y\n');
  t.true(await yes);
});

test('a question that is left with Ctrl-C or Ctrl-D ends the verb', async (t) => {
  for (const key of ['\u0003', '\u0004']) {
    const input = Object.assign(new PassThrough(), { isTTY: true });
    const output = Object.assign(new Writable({ write: (_chunk, _encoding, done) => done() }), {
      isTTY: true,
    });
    const answer = createTerminal(input, output).secret('Passphrase');
    input.write(key);
    const error = await t.throwsAsync(answer, { instanceOf: DepotError });
    t.is(error?.code, 'USAGE');
  }
});

test('what a killed run left under temporary names goes with the next one; what may be written right now stays', async (t) => {
  const { sign, key, folder, put } = await setUp(t);
  await sign([...init, '--key', key]);
  await put('demo-1.0.0.zip');
  const { mine, killed } = await temporaryNames(join(folder, 'demo-1.0.0.zip.sig'));
  const other = join(folder, 'notes.tmp');
  for (const file of [mine, killed, other]) {
    await writeFile(file, '');
  }
  await sign(['--key', key, '--dry-run', folder]);
  t.is(
    (await readdir(folder)).filter((name) => name.endsWith('.tmp')).length,
    3,
    'a dry run changes nothing',
  );
  t.is((await sign(['--key', key, folder])).exitCode, 0);
  const left = (await readdir(folder)).filter((name) => name.endsWith('.tmp'));
  t.deepEqual(left.toSorted(), [mine, other].map((file) => basename(file)).toSorted());
});

import { execFileSync } from 'node:child_process';
import { watch } from 'node:fs';
import { chmod, chown, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import test from 'ava';
import * as openpgp from 'openpgp';
import { DepotError } from '../../src/domain/errors.ts';
import { readPassphrase } from '../../src/signing/passphrase.ts';
import { readPublicKeys } from '../../src/signing/public-key.ts';
import { createSigner, readSitePublicKey } from '../../src/signing/signer.ts';
import { generateSiteKey } from '../../src/signing/site-key.ts';
import {
  refuseShown,
  siteKeyFiles,
  writeSiteKey,
  type SiteKeyFiles,
} from '../../src/signing/site-key-files.ts';
import { codeOf } from '../support/code-of.ts';
import { scratch } from '../support/scratch.ts';
import { eventually } from '../support/eventually.ts';
import { openGnupg } from './gnupg.ts';

const newKey = async (folder: string, passphrase?: string, lifetime?: number): Promise<SiteKeyFiles> =>
  writeSiteKey(
    join(folder, 'site.key'),
    await generateSiteKey({ name: 'Site', algorithm: 'ed25519', passphrase, lifetime }),
  );

test('the private key is for its owner alone, and nothing is overwritten', async (t) => {
  const folder = await scratch(t);
  const files = await newKey(folder);
  t.is((await stat(files.privateKey)).mode & 0o777, 0o600);
  t.is((await stat(files.revocation)).mode & 0o777, 0o600);
  t.is((await stat(files.publicKey)).mode & 0o777, 0o644);
  const before = await readFile(files.privateKey);
  t.is(await codeOf(t, newKey(folder)), 'SITE_KEY_EXISTS');
  t.deepEqual(await readFile(files.privateKey), before);
  await rm(files.privateKey);
  t.is(await codeOf(t, newKey(folder)), 'SITE_KEY_EXISTS');
  t.deepEqual((await readdir(folder)).toSorted(), ['site.pub.asc', 'site.rev.asc']);
});

test('the private key comes last, so that a killed run leaves none without its revocation', async (t) => {
  const folder = await scratch(t);
  const seen: string[] = [];
  const watcher = watch(folder, (_event, name) => {
    if (name !== null && !name.endsWith('.tmp') && !seen.includes(name)) {
      seen.push(name);
    }
  });
  t.teardown(() => watcher.close());
  await newKey(folder);
  await eventually('all three are seen', () => seen.length === 3);
  t.deepEqual(seen, ['site.rev.asc', 'site.pub.asc', 'site.key']);
});

test('where one of the three files cannot be written, none is left', async (t) => {
  const folder = await scratch(t);
  const key = await generateSiteKey({ name: 'Site', algorithm: 'ed25519' });
  // The names of the other two just fit; that of the private key, which comes last, doesn't.
  const code = await codeOf(t, writeSiteKey(join(folder, `${'n'.repeat(244)}.private.asc`), key));
  t.is(code, 'SITE_KEY_UNWRITABLE');
  t.deepEqual(await readdir(folder), []);
});

test('the names of the three files follow the private one', (t) => {
  t.is(siteKeyFiles('/k/site.key').publicKey, '/k/site.pub.asc');
  t.is(siteKeyFiles('/k/site.private.asc').publicKey, '/k/site.pub.asc');
  t.is(siteKeyFiles('/k/site').revocation, '/k/site.rev.asc');
});

test('a key that group or others can read is refused', async (t) => {
  const files = await newKey(await scratch(t));
  for (const mode of [0o640, 0o604, 0o660]) {
    await chmod(files.privateKey, mode);
    t.is(await codeOf(t, createSigner(files.privateKey, undefined)), 'SITE_KEY_EXPOSED');
  }
  await chmod(files.privateKey, 0o400);
  t.is((await createSigner(files.privateKey, undefined)).fingerprint.length, 40);
});

test('a key that was handed over may be read by a group of ours, as a secret of Kubernetes, and by nobody else', async (t) => {
  if (process.geteuid?.() !== 0) {
    t.log('skipped: only root can give a file away');
    t.pass();
    return;
  }
  const { privateKey } = await newKey(await scratch(t));
  const [ours = 0] = process.getgroups?.() ?? [];
  const read = async (uid: number, gid: number, mode: number): Promise<string | undefined> => {
    await chown(privateKey, uid, gid);
    await chmod(privateKey, mode);
    return createSigner(privateKey, undefined).then(
      () => undefined,
      (error: unknown) => (error instanceof DepotError ? error.code : String(error)),
    );
  };
  const other = 54_321;
  for (const mode of [0o440, 0o640, 0o400, 0o600]) {
    t.is(await read(other, ours, mode), undefined, mode.toString(8));
  }
  for (const mode of [0o444, 0o644, 0o660, 0o460, 0o441, 0o604]) {
    t.is(await read(other, ours, mode), 'SITE_KEY_EXPOSED', mode.toString(8));
  }
  t.is(await read(other, other, 0o440), 'SITE_KEY_EXPOSED', 'a group that is none of ours');
  t.is(await read(0, ours, 0o440), 'SITE_KEY_EXPOSED', 'a file of ours is for its owner alone');
});

test('a locked key needs its passphrase, and an open one never asks', async (t) => {
  const folder = await scratch(t);
  const files = await newKey(folder, 'secret');
  t.is(await codeOf(t, createSigner(files.privateKey, undefined)), 'SITE_KEY_LOCKED');
  t.is(await codeOf(t, createSigner(files.privateKey, 'wrong')), 'SITE_KEY_LOCKED');
  await t.throwsAsync(createSigner(files.privateKey, ''), { message: /the one that was given is empty/ });
  const signer = await createSigner(files.privateKey, () => Promise.resolve('secret'));
  t.is((await readSitePublicKey(files.privateKey)).fingerprint, signer.fingerprint);
  t.is(signer.publicKey, await readFile(files.publicKey, 'utf8'));
  const open = await newKey(await scratch(t));
  const never = (): Promise<never> => Promise.reject(new Error('asked'));
  await t.notThrowsAsync(createSigner(open.privateKey, never));
});

test('what is no private key is refused with its name', async (t) => {
  const folder = await scratch(t);
  const files = await newKey(folder);
  const other = join(folder, 'other');
  for (const content of ['', 'text', await readFile(files.publicKey, 'utf8')]) {
    await writeFile(other, content, { mode: 0o600 });
    t.is(await codeOf(t, createSigner(other, undefined)), 'SITE_KEY_INVALID');
  }
  await t.throwsAsync(createSigner(other, undefined), { message: /is a public key/ });
  await writeFile(other, Buffer.from([0x95, 0x01, 0x02]));
  await t.throwsAsync(createSigner(other, undefined), {
    message: /no armored key \(`gpg --export-secret-keys/,
  });
  for (const odd of ['/dev/zero', folder]) {
    await t.throwsAsync(createSigner(odd, undefined), { message: /it is no file/ });
  }
  t.is(await codeOf(t, createSigner(join(folder, 'absent'), undefined)), 'SITE_KEY_INVALID');
  // As it lies there, readable by everyone: that is no fault of a public key.
  t.is(await codeOf(t, createSigner(files.publicKey, undefined)), 'SITE_KEY_INVALID');
});

test('a key from the future, as a clock that was set back makes it, is refused with both times', async (t) => {
  const file = join(await scratch(t), 'site.key');
  const { privateKey } = await openpgp.generateKey({
    type: 'ecc',
    curve: 'ed25519Legacy',
    userIDs: [{ name: 'Site' }],
    date: new Date(Date.now() + 7_200_000),
  });
  await writeFile(file, privateKey, { mode: 0o600 });
  const error = await t.throwsAsync(createSigner(file, undefined), { code: 'SITE_KEY_INVALID' });
  t.regex(error?.message ?? '', /of \S+Z, which is in the future for this machine's clock/);
});

test('the revocation certificate ends the key for gpg, and the key has its expiry', async (t) => {
  const files = await newKey(await scratch(t), undefined, 86_400 * 30);
  const [info] = await readPublicKeys(await readFile(files.publicKey), 'x');
  t.true(Math.abs((info?.expiresAt?.getTime() ?? 0) - Date.now() - 30 * 86_400_000) < 3_600_000);
  const gnupg = await openGnupg(t);
  if (gnupg !== undefined) {
    await gnupg.importKey(await readFile(files.publicKey, 'utf8'));
    await gnupg.importKey(await readFile(files.revocation, 'utf8'));
    const [revoked] = await readPublicKeys(Buffer.from((await gnupg.gpg('--armor', '--export')).stdout), 'x');
    t.is(revoked?.state, 'revoked');
  }
});

test('a file that breaks while it is signed gives an error, not a signature', async (t) => {
  const files = await newKey(await scratch(t));
  const signer = await createSigner(files.privateKey, undefined);
  const broken = Readable.from(
    (async function* () {
      yield Buffer.alloc(1 << 20);
      throw new Error('disk on fire');
    })(),
    { objectMode: false },
  );
  t.is(await codeOf(t, signer.sign(broken)), 'SIGNING_FAILED');
});

test('a passphrase comes from the file, the variables or the terminal, in this order', async (t) => {
  const folder = await scratch(t);
  const file = join(folder, 'pass');
  await writeFile(file, ' with spaces \r\n');
  const warn = (): void => undefined;
  const ask = (): Promise<string> => Promise.resolve('typed');
  t.is(
    await readPassphrase({ file, env: { FLEET_DEPOT_KEY_PASSPHRASE: 'plain' }, ask, warn }),
    ' with spaces ',
  );
  t.is(await readPassphrase({ env: { FLEET_DEPOT_KEY_PASSPHRASE_FILE: file }, ask, warn }), ' with spaces ');
  t.is(await readPassphrase({ env: { FLEET_DEPOT_KEY_PASSPHRASE: 'plain' }, ask, warn }), 'plain');
  t.is(await readPassphrase({ env: {}, ask, warn }), 'typed');
  t.is(await readPassphrase({ env: {}, warn }), undefined);
  t.is(
    await codeOf(
      t,
      readPassphrase({
        env: { FLEET_DEPOT_KEY_PASSPHRASE: 'a', FLEET_DEPOT_KEY_PASSPHRASE_FILE: file },
        warn,
      }),
    ),
    'SETTING_INVALID',
  );
  t.is(await codeOf(t, readPassphrase({ file: join(folder, 'absent'), env: {}, warn })), 'SETTING_INVALID');
});

test('a passphrase file that others can read is told, with the command that mends it; a pipe is not', async (t) => {
  const folder = await scratch(t);
  const file = join(folder, 'pass');
  await writeFile(file, 'word\n');
  const said = async (path: string): Promise<readonly string[]> => {
    const lines: string[] = [];
    t.is(await readPassphrase({ file: path, env: {}, warn: (line) => lines.push(line) }), 'word');
    return lines;
  };
  for (const mode of [0o644, 0o640, 0o604]) {
    await chmod(file, mode);
    t.deepEqual(await said(file), [
      `warning: others can read the passphrase file (mode 0${mode.toString(8)}): chmod 600 ${file}`,
    ]);
  }
  await chmod(file, 0o600);
  t.deepEqual(await said(file), []);
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', ['-m', '644', pipe]);
  const [lines] = await Promise.all([said(pipe), writeFile(pipe, 'word\n')]);
  t.deepEqual(lines, []);
});

test('no key is made where a file system shows to all what was to be for its owner alone', async (t) => {
  const file = join(await scratch(t), 'site.rev.asc');
  await writeFile(file, 'a certificate');
  // As every file is there.
  await chmod(file, 0o777);
  await t.throwsAsync(refuseShown(file, 0o600), {
    code: 'SITE_KEY_UNWRITABLE',
    message: `${file}: its file system keeps no permissions (as FAT and exFAT), so that others could read it`,
  });
  await chmod(file, 0o600);
  await t.notThrowsAsync(refuseShown(file, 0o600));
  await chmod(file, 0o644);
  await t.notThrowsAsync(refuseShown(file, 0o644));
});

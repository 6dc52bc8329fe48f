import { execFileSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { checkZipMagic } from '../support/zip-magic.ts';
import { listArchives } from '../../src/signing/archive-list.ts';
import { signSet, type SignedItem, type SignSetOptions } from '../../src/signing/sign-set.ts';
import type { SignatureVerdict, SignatureVerifier, Signer } from '../../src/signing/signature.ts';
import { createSigner } from '../../src/signing/signer.ts';
import { generateSiteKey } from '../../src/signing/site-key.ts';
import { writeSiteKey } from '../../src/signing/site-key-files.ts';
import { createVerifier, fixedKeys } from '../../src/signing/verifier.ts';
import { verifyItem } from '../../src/signing/verified-archive.ts';
import { smallDisk } from '../support/small-disk.ts';
import { scratch } from '../support/scratch.ts';
import { makeKey, signWith, type MadeKey } from './made-keys.ts';

interface Site {
  readonly folder: string;
  readonly upstream: MadeKey;
  readonly signer: Signer;
  readonly names: readonly string[];
  put(name: string, content: string, key?: MadeKey): Promise<void>;
  run(options?: Partial<SignSetOptions>): Promise<readonly SignedItem[]>;
  read(name: string): Promise<string>;
}

const newSigner = async (t: ExecutionContext): Promise<Signer> => {
  const folder = await scratch(t);
  const files = await writeSiteKey(
    join(folder, 'site.key'),
    await generateSiteKey({ name: 'Site', algorithm: 'ed25519' }),
  );
  return createSigner(files.privateKey, undefined);
};

/** Three archives that the upstream key signed. */
const newSite = async (t: ExecutionContext): Promise<Site> => {
  const folder = await scratch(t);
  const [upstream, signer] = [await makeKey(), await newSigner(t)];
  const put: Site['put'] = async (name, content, key) => {
    const data = Buffer.from(`PK\u0003\u0004${content}`);
    await writeFile(join(folder, name), data);
    if (key !== undefined) {
      await writeFile(join(folder, `${name}.sig`), await signWith(key, data));
    }
  };
  const names = ['a-1.0.0.zip', 'b-1.0.0.zip', 'c-1.0.0.zip'];
  for (const name of names) {
    await put(name, name, upstream);
  }
  return {
    folder,
    upstream,
    signer,
    names,
    put,
    run: async (options = {}) =>
      signSet(await listArchives([folder]), {
        resign: true,
        partial: false,
        signal: new AbortController().signal,
        signer,
        judges: {
          site: createVerifier(fixedKeys([(options.signer ?? signer).publicKey])),
          keyring: createVerifier(fixedKeys([upstream.armored])),
        },
        checkArchive: checkZipMagic,
        onStep: () => undefined,
        ...options,
      }),
    read: (name) => readFile(join(folder, name), 'utf8'),
  };
};

/** What the `.sig` beside an archive is worth. */
const verdictOn = async (verifier: SignatureVerifier, archive: string): Promise<SignatureVerdict> =>
  verifier.verify(await readFile(archive), await readFile(`${archive}.sig`, 'utf8'));

const outcomes = (items: readonly SignedItem[]): string[] => items.map(({ outcome }) => outcome);

test('a verified set is signed anew, and what it came with is kept beside it', async (t) => {
  const site = await newSite(t);
  const before = await Promise.all(site.names.map((name) => site.read(`${name}.sig`)));
  const items = await site.run();
  t.deepEqual(outcomes(items), ['signed', 'signed', 'signed']);
  t.true(items.every(({ originalSigner }) => originalSigner === site.upstream.fingerprint));
  t.deepEqual(await Promise.all(site.names.map((name) => site.read(`${name}.sig.orig`))), before);
  const paths = site.names.map((name) => join(site.folder, name));
  const verifier = createVerifier(fixedKeys([site.signer.publicKey]));
  const verdicts = await Promise.all(paths.map((path) => verdictOn(verifier, path)));
  t.deepEqual(
    verdicts.map(({ state }) => state),
    ['good', 'good', 'good'],
  );
  t.is((await stat(join(site.folder, 'a-1.0.0.zip.sig'))).mode & 0o777, 0o644);
  t.is((await readdir(site.folder)).length, 9);
  t.deepEqual(outcomes(await site.run()), ['already', 'already', 'already']);
});

test('a second site key signs on the word of the original, which stays as it was', async (t) => {
  const site = await newSite(t);
  const original = await site.read('a-1.0.0.zip.sig');
  await site.run();
  const second = await newSigner(t);
  t.deepEqual(outcomes(await site.run({ signer: second })), ['signed', 'signed', 'signed']);
  t.is(await site.read('a-1.0.0.zip.sig.orig'), original);
  const verifier = createVerifier(fixedKeys([second.publicKey]));
  t.is((await verdictOn(verifier, join(site.folder, 'a-1.0.0.zip'))).state, 'good');
});

test('one archive that nothing vouches for stops the set, and each such one is listed', async (t) => {
  const site = await newSite(t);
  await site.put('d-unsigned.zip', 'd');
  await site.put('e-stranger.zip', 'e', await makeKey());
  await writeFile(join(site.folder, 'b-1.0.0.zip'), 'PK\u0003\u0004 tampered');
  await writeFile(join(site.folder, 'c-1.0.0.zip.sig'), '<html>');
  const before = await readdir(site.folder);
  const items = await site.run();
  t.deepEqual(outcomes(items), ['pending', 'refused', 'refused', 'refused', 'refused']);
  const reasons = items.map(({ reason }) => reason ?? '');
  t.regex(reasons[1] ?? '', /bad: the content is not what was signed/);
  t.regex(reasons[2] ?? '', /malformed/);
  t.regex(reasons[3] ?? '', /no signature that vouches/);
  t.regex(reasons[4] ?? '', /unknown-key/);
  t.deepEqual(await readdir(site.folder), before);
  t.deepEqual(outcomes(await site.run({ partial: true })), [
    'signed',
    'refused',
    'refused',
    'refused',
    'refused',
  ]);
});

test('a dry run changes nothing and says what would be signed', async (t) => {
  const site = await newSite(t);
  const before = await readdir(site.folder);
  t.deepEqual(
    outcomes(
      await site.run({
        signer: undefined,
        judges: {
          site: createVerifier(fixedKeys([site.signer.publicKey])),
          keyring: createVerifier(fixedKeys([site.upstream.armored])),
        },
      }),
    ),
    ['pending', 'pending', 'pending'],
  );
  t.deepEqual(await readdir(site.folder), before);
});

test('a run that was cut goes on where it stopped', async (t) => {
  const site = await newSite(t);
  const abort = new AbortController();
  let signed = 0;
  const onStep = (phase: 'checked' | 'signed'): void => {
    signed += phase === 'signed' ? 1 : 0;
    if (signed === 1) {
      abort.abort();
    }
  };
  t.deepEqual(outcomes(await site.run({ signal: abort.signal, onStep })), ['signed', 'pending', 'pending']);
  // A cut between the two writes of one archive: the original is kept already, the old signature is still in force.
  await writeFile(join(site.folder, 'b-1.0.0.zip.sig.orig'), await site.read('b-1.0.0.zip.sig'));
  t.deepEqual(outcomes(await site.run()), ['already', 'signed', 'signed']);
});

test('bytes that change between the check and the signing are not signed', async (t) => {
  const site = await newSite(t);
  const onStep = (phase: 'checked' | 'signed'): void => {
    if (phase === 'signed') {
      return;
    }
    changing ??= writeFile(join(site.folder, 'c-1.0.0.zip'), 'PK\u0003\u0004 swapped');
  };
  let changing: Promise<void> | undefined;
  const slowSigner: Signer = {
    ...site.signer,
    sign: async (data) => (await changing, site.signer.sign(data)),
  };
  const sig = await site.read('c-1.0.0.zip.sig');
  // The swap starts after the first check and may come before the last one: either way it must not be signed.
  const items = await site.run({ onStep, signer: slowSigner, partial: true });
  t.true(['failed', 'refused'].includes(items[2]?.outcome ?? ''), JSON.stringify(items[2]));
  t.is(await site.read('c-1.0.0.zip.sig'), sig);
});

test('where another run signs the same archive meanwhile, its signature is never kept as the original', async (t) => {
  const site = await newSite(t);
  const name = 'a-1.0.0.zip.sig';
  const original = await site.read(name);
  const overtaken: Signer = {
    ...site.signer,
    sign: async (data) => {
      const signature = await site.signer.sign(data);
      await writeFile(join(site.folder, name), signature);
      return signature;
    },
  };
  const items = await site.run({ signer: overtaken, partial: true });
  t.like(items[0], { outcome: 'failed', reason: 'its signature was changed after it was verified' });
  t.is(await site.read(`${name}.orig`).catch(() => ''), '');

  await writeFile(join(site.folder, name), original);
  t.is((await site.run({ partial: true }))[0]?.outcome, 'signed');
  t.is(await site.read(`${name}.orig`), original);
});

test('a pipe under the name of an archive or a signature is told, and nobody waits for it', async (t) => {
  const site = await newSite(t);
  const pipe = (name: string): void => void execFileSync('mkfifo', [join(site.folder, name)]);
  pipe('d-1.0.0.zip');
  await rm(join(site.folder, 'b-1.0.0.zip.sig'));
  pipe('b-1.0.0.zip.sig');
  pipe('c-1.0.0.zip.sig.orig');
  const reason = 'it is no regular file';
  const items = await site.run({ partial: true });
  t.deepEqual(
    items.map((item) => [item.outcome, item.reason]),
    [
      ['signed', undefined],
      ['failed', reason],
      ['failed', reason],
      ['failed', reason],
    ],
  );
  const checks = {
    checkArchive: checkZipMagic,
    verifier: createVerifier(fixedKeys([site.upstream.armored])),
  };
  const verified = await Promise.all(
    ['b-1.0.0.zip', 'c-1.0.0.zip', 'd-1.0.0.zip'].map((name) => verifyItem(join(site.folder, name), checks)),
  );
  t.like(verified[0], { archive: 'whole', signature: 'malformed', reasons: [`b-1.0.0.zip.sig: ${reason}`] });
  t.like(verified[1], { archive: 'whole', signature: 'good' });
  t.like(verified[2], { archive: 'broken', signature: 'unchecked' });
  t.regex(verified[2]?.reasons.join() ?? '', /d-1\.0\.0\.zip: it is no regular file/);
});

test('an original that belongs to an older build gives way to the new one', async (t) => {
  const site = await newSite(t);
  await site.run();
  await site.put('a-1.0.0.zip', 'another build', site.upstream);
  const fresh = await site.read('a-1.0.0.zip.sig');
  t.deepEqual(outcomes(await site.run()), ['signed', 'already', 'already']);
  t.is(await site.read('a-1.0.0.zip.sig.orig'), fresh);
});

test('a full disk fails with what to do, and every archive keeps the signature that it has', async (t) => {
  const site = await newSite(t);
  const disk = await smallDisk(t, 'size=1m');
  if (disk === undefined) {
    t.pass();
    return;
  }
  await cp(site.folder, disk, { recursive: true });
  await writeFile(join(disk, 'filler'), Buffer.alloc(2 << 20)).catch(() => undefined);
  const items = await signSet(await listArchives([disk]), {
    resign: true,
    partial: false,
    signal: new AbortController().signal,
    signer: site.signer,
    judges: {
      site: createVerifier(fixedKeys([site.signer.publicKey])),
      keyring: createVerifier(fixedKeys([site.upstream.armored])),
    },
    checkArchive: checkZipMagic,
    onStep: () => undefined,
  });
  t.deepEqual(outcomes(items), ['failed', 'failed', 'failed']);
  t.is(items[0]?.reason, 'the disk is full: make room, and run the same again');
  t.deepEqual(
    (await readdir(disk)).filter((name) => name !== 'filler'),
    await readdir(site.folder),
  );
  t.is(await readFile(join(disk, 'a-1.0.0.zip.sig'), 'utf8'), await site.read('a-1.0.0.zip.sig'));
});

test('without re-signing only what has no signature is signed', async (t) => {
  const site = await newSite(t);
  await site.put('d-own.zip', 'own');
  await writeFile(join(site.folder, 'e-broken.zip'), 'no zip');
  const items = await site.run({ resign: false, partial: true });
  t.deepEqual(outcomes(items), ['refused', 'refused', 'refused', 'signed', 'failed']);
  t.regex(items[0]?.reason ?? '', /--resign/);
  t.deepEqual(
    (await readdir(site.folder)).filter((name) => name.endsWith('.orig')),
    [],
  );
});

test('a folder that takes no writes loses nothing', async (t) => {
  const site = await newSite(t);
  await mkdir(join(site.folder, 'a-1.0.0.zip.sig.orig'));
  const before = await site.read('a-1.0.0.zip.sig');
  const items = await site.run({ partial: true });
  t.is(items[0]?.outcome, 'failed');
  t.is(await site.read('a-1.0.0.zip.sig'), before);
  t.deepEqual(outcomes(items.slice(1)), ['signed', 'signed']);
});

test('archives are found at any depth, each once, and hidden names are left out', async (t) => {
  const site = await newSite(t);
  await mkdir(join(site.folder, 'deep', '.hidden'), { recursive: true });
  await writeFile(join(site.folder, 'deep', 'x.zip'), '');
  await writeFile(join(site.folder, 'deep', '.x.zip.tmp.zip'), '');
  await writeFile(join(site.folder, 'deep', '.hidden', 'y.zip'), '');
  const found = await listArchives([
    site.folder,
    join(site.folder, 'deep'),
    join(site.folder, 'a-1.0.0.zip'),
  ]);
  t.deepEqual(
    found.map((path) => path.slice(site.folder.length + 1)),
    [...site.names, 'deep/x.zip'],
  );
});

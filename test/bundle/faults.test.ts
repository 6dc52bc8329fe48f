import test from 'ava';
import { copyFile, readFile, rm, truncate, writeFile, appendFile } from 'node:fs/promises';
import * as fc from 'fast-check';
import { pack, type Header } from 'tar-stream';
import { createBundle } from '../../src/bundle/create.ts';
import { collectFolder } from '../../src/bundle/file-set.ts';
import { receiptOf } from '../../src/bundle/receipt.ts';
import { verifyBundle } from '../../src/bundle/verify.ts';
import { openBundle } from '../../src/bundle/bundle.ts';
import { formatVolumeHeader } from '../../src/bundle/volume.ts';
import { digestOf } from '../../src/files/digest.ts';
import { DepotError } from '../../src/domain/errors.ts';
import { createBundleSite, carriedFiles, visibleState, type BundleSite } from '../support/bundle-site.ts';
import { createTestSigner } from '../support/test-signer.ts';

const quiet = (): void => undefined;

/** Refused by verify and by import, with a reason, and the depot stays as it was. */
const refused = async (
  t: import('ava').ExecutionContext,
  site: BundleSite,
  files: readonly string[],
  code: string,
  message: RegExp,
): Promise<void> => {
  const depot = await site.depot();
  const before = await visibleState(depot.layout.root);
  const verifying = site.open(files).then((bundle) => verifyBundle(bundle, quiet));
  const error = await t.throwsAsync(verifying, { instanceOf: DepotError, code }, 'verify');
  t.regex(error.message, message);
  t.true(error.advice.length > 0);
  await t.throwsAsync(site.import(files, depot), { instanceOf: DepotError, code }, 'import');
  t.is(await visibleState(depot.layout.root), before);
};

const flip = async (file: string, offset: number, bit = 1): Promise<void> => {
  const bytes = await readFile(file);
  bytes[offset] = (bytes[offset] ?? 0) ^ bit;
  await writeFile(file, bytes);
};

const withDepot = async (t: import('ava').ExecutionContext): Promise<BundleSite> => {
  const site = await createBundleSite(t);
  await site.create(carriedFiles(1, 900, 'base'), 'base.tar');
  await site.import(['base.tar'], await site.depot());
  return site;
};

type Odd = Partial<Header> & { readonly name: string; readonly body?: string | Uint8Array };

/** A tar of any entries at all, as a hostile sender can make it. */
const oddTar = async (file: string, entries: readonly Odd[]): Promise<void> => {
  const tar = pack();
  for (const { body = '', ...header } of entries) {
    tar.entry({ mtime: new Date(0), ...header }, Buffer.from(body));
  }
  tar.finalize();
  const parts: Uint8Array[] = [];
  for await (const part of tar as AsyncIterable<Uint8Array>) {
    parts.push(part);
  }
  await writeFile(file, Buffer.concat(parts));
};

/** The entries of a right, signed bundle of one file, for the hostile ones to begin like it. */
const honestEntries = async (site: BundleSite, manifestOf?: (text: string) => string): Promise<Odd[]> => {
  const content = 'content of a package';
  const sha256 = digestOf(content);
  const page = 'a page';
  const text = `{"format":"fleet-depot-bundle/1","volumes":1,"page":{"sha256":"${digestOf(page)}","size":${page.length}},"entries":[{"path":"a-1.0.0.zip","sha256":"${sha256}","size":${content.length},"volume":1}]}`;
  const manifest = manifestOf?.(text) ?? text;
  const signature = await site.signer.sign(Buffer.from(manifest));
  const header = { bundle: digestOf(manifest), number: 1, total: 1, signatureSha256: digestOf(signature) };
  return [
    { name: 'volume.json', body: formatVolumeHeader(header) },
    { name: 'manifest.json', body: manifest },
    { name: 'manifest.json.asc', body: signature },
    { name: 'CONTENTS.md', body: page },
    { name: `content/${sha256}`, body: content },
  ];
};

test('hand-made entries make a right bundle, so that the hostile ones differ in one thing only', async (t) => {
  const site = await withDepot(t);
  await oddTar(site.at('odd.tar'), await honestEntries(site));
  await site.import(['odd.tar'], await site.depot());
  t.is(await readFile(site.at('depot/current/a-1.0.0.zip'), 'utf8'), 'content of a package');
});

const hostile: readonly (readonly [string, (entries: Odd[]) => Odd[], RegExp])[] = [
  [
    'an entry that leads out with ..',
    (all) => [...all, { name: '../../evil', body: 'x' }],
    /"\.\.\/\.\.\/evil" leads out/,
  ],
  [
    'an absolute name',
    (all) => [...all, { name: '/etc/evil', body: 'x' }],
    /"\/etc\/evil" has an absolute name/,
  ],
  [
    'a symbolic link',
    (all) => [...all, { name: 'link', type: 'symlink', linkname: '/etc/passwd' }],
    /is a symlink/,
  ],
  ['a hard link', (all) => [...all, { name: 'link', type: 'link', linkname: 'volume.json' }], /is a link/],
  ['a device file', (all) => [...all, { name: 'dev', type: 'character-device' }], /is a character-device/],
  ['a pipe', (all) => [...all, { name: 'pipe', type: 'fifo' }], /is a fifo/],
  ['a folder', (all) => [...all, { name: 'folder/', type: 'directory' }], /is a directory/],
  [
    'a content that is a link',
    (all) => [...all.slice(0, -1), { name: all.at(-1)?.name ?? '', type: 'symlink', linkname: 'x' }],
    /is a symlink/,
  ],
  ['a duplicate name', (all) => [...all, ...all.slice(-1)], /is there twice/],
  [
    'an entry that the manifest does not tell of',
    (all) => [...all, { name: 'content/extra', body: 'x' }],
    /is not in the manifest/,
  ],
  ['a missing content', (all) => all.slice(0, -1), /is missing/],
  [
    'another order',
    (all) => [...all.slice(0, 3), ...all.slice(4), ...all.slice(3, 4)],
    /comes where|should be/,
  ],
  ['another owner in a header', (all) => all.map((one) => ({ ...one, uid: 7 })), /differs/],
  ['another time in a header', (all) => all.map((one) => ({ ...one, mtime: new Date(1e12) })), /differs/],
  [
    'a long name by an extension header',
    (all) => [...all, { name: `content/${'x'.repeat(300)}`, body: 'x' }],
    /extension header/,
  ],
  [
    'other content of the same size',
    (all) => [...all.slice(0, -1), { name: all.at(-1)?.name ?? '', body: 'CONTENT of a package' }],
    /SHA-256/,
  ],
  [
    'content of another size',
    (all) => [...all.slice(0, -1), { name: all.at(-1)?.name ?? '', body: 'short' }],
    /claims 5 bytes/,
  ],
];

for (const [what, change, message] of hostile) {
  test(`refused: ${what}`, async (t) => {
    const site = await withDepot(t);
    await oddTar(site.at('odd.tar'), change(await honestEntries(site)));
    await refused(t, site, ['odd.tar'], 'BUNDLE_INVALID', message);
  });
}

const badManifests: readonly (readonly [string, (text: string) => string, string, RegExp])[] = [
  [
    'a path that leads out',
    (text) => text.replace('a-1.0.0.zip', '../../a.zip'),
    'BUNDLE_INVALID',
    /odd\.tar: manifest\.json: path ".*" is not allowed: it has a part "\.\."/,
  ],
  ['an absolute path', (text) => text.replace('a-1.0.0.zip', '/etc/a.zip'), 'BUNDLE_INVALID', /absolute/],
  ['a hidden path', (text) => text.replace('a-1.0.0.zip', '.ssh/key'), 'BUNDLE_INVALID', /rule for names/],
  [
    'a path with a backslash',
    (text) => text.replace('a-1.0.0.zip', 'a\\\\..\\\\b'),
    'BUNDLE_INVALID',
    /rule for names/,
  ],
  [
    'a path with a control character',
    (text) => text.replace('a-1.0.0.zip', 'a\\u0000b'),
    'BUNDLE_INVALID',
    /rule for names/,
  ],
  [
    'an absurd number of volumes',
    (text) => text.replace('"volumes":1', '"volumes":1e9'),
    'BUNDLE_INVALID',
    /absurd/,
  ],
  [
    'a digest that is a path',
    (text) => text.replace(/"path":"a-1.0.0.zip","sha256":"[0-9a-f]{64}/, '"path":"a","sha256":"../../x'),
    'BUNDLE_INVALID',
    /no SHA-256/,
  ],
  ['a negative size', (text) => text.replace('"size":20', '"size":-1'), 'BUNDLE_INVALID', /no size/],
  [
    'left out contents without a base',
    (text) => text.replace('"volume":1}', '"volume":0}'),
    'BUNDLE_INVALID',
    /no base/,
  ],
  [
    'a format of the future',
    (text) => text.replace('bundle/1', 'bundle/9'),
    'FORMAT_NEWER',
    /odd\.tar was made by a newer version .* fleet-depot-bundle\/9, this one reads fleet-depot-bundle\/1/,
  ],
  ['a format of another kind', (text) => text.replace('bundle/1', 'box/1'), 'BUNDLE_INVALID', /format/],
  ['no JSON at all', () => 'nothing', 'BUNDLE_INVALID', /not JSON/],
];

for (const [what, change, code, message] of badManifests) {
  test(`refused, although signed: a manifest with ${what}`, async (t) => {
    const site = await withDepot(t);
    await oddTar(site.at('odd.tar'), await honestEntries(site, change));
    await refused(t, site, ['odd.tar'], code, message);
  });
}

test('10 GB claimed in 1 KB is refused without waiting for them', async (t) => {
  const site = await withDepot(t);
  const entries = await honestEntries(site);
  const tar = pack();
  for (const { body = '', ...header } of entries.slice(0, -1)) {
    tar.entry({ mtime: new Date(0), ...header }, Buffer.from(body));
  }
  tar.entry({ name: entries.at(-1)?.name ?? '', mtime: new Date(0), size: 10 * 1024 ** 3 });
  const parts: Uint8Array[] = [];
  tar.on('data', (part) => void parts.push(part as Uint8Array));
  await new Promise((resolve) => setTimeout(resolve, 50));
  await writeFile(site.at('odd.tar'), Buffer.concat([...parts, Buffer.alloc(1024)]));
  await refused(t, site, ['odd.tar'], 'BUNDLE_INVALID', /claims 10737418240 bytes, the manifest says 20/);
});

test('a manifest that claims 10 GB is not read into memory', async (t) => {
  const site = await withDepot(t);
  const tar = pack();
  tar.entry(
    { name: 'volume.json', mtime: new Date(0) },
    Buffer.from(formatVolumeHeader({ bundle: digestOf(''), number: 1, total: 1 })),
  );
  tar.entry({ name: 'manifest.json', mtime: new Date(0), size: 10 * 1024 ** 3 });
  const parts: Uint8Array[] = [];
  tar.on('data', (part) => void parts.push(part as Uint8Array));
  await new Promise((resolve) => setTimeout(resolve, 50));
  await writeFile(site.at('odd.tar'), Buffer.concat(parts));
  await refused(t, site, ['odd.tar'], 'BUNDLE_INVALID', /claims 10737418240 bytes/);
});

test('any changed byte, anywhere in a bundle, is noticed by verify and by import, and the depot stays as it was', async (t) => {
  const site = await withDepot(t);
  await site.create(carriedFiles(2, 1500), 'good.tar');
  const good = await readFile(site.at('good.tar'));
  const depot = await site.depot();
  const before = await visibleState(depot.layout.root);
  await fc.assert(
    fc.asyncProperty(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), async (offset, bits) => {
      const bad = Buffer.from(good);
      bad[offset] = (bad[offset] ?? 0) ^ bits;
      await writeFile(site.at('bad.tar'), bad);
      const verified = await site
        .open(['bad.tar'])
        .then((bundle) => verifyBundle(bundle, quiet))
        .then(
          () => 'passed',
          (error: unknown) => error,
        );
      const taken = await site.import(['bad.tar'], depot).then(
        () => 'passed',
        (error: unknown) => error,
      );
      return (
        verified instanceof DepotError &&
        taken instanceof DepotError &&
        (await visibleState(depot.layout.root)) === before
      );
    }),
    { numRuns: 150 },
  );
  await site.import(['good.tar'], depot);
  t.not(await visibleState(depot.layout.root), before);
});

test('every byte of a small bundle counts: whichever is changed, it does not verify', async (t) => {
  const site = await createBundleSite(t);
  await site.create({ 'a-1.0.0.zip': 'content' }, 'good.tar');
  const good = await readFile(site.at('good.tar'));
  const passed: number[] = [];
  for (let offset = 0; offset < good.length; offset += 1) {
    const bad = Buffer.from(good);
    bad[offset] = (bad[offset] ?? 0) ^ (1 + (offset % 255));
    await writeFile(site.at('bad.tar'), bad);
    const outcome = await site
      .open(['bad.tar'])
      .then((bundle) => verifyBundle(bundle, quiet))
      .catch((error: unknown) => error);
    if (!(outcome instanceof DepotError)) {
      passed.push(offset);
    }
  }
  t.deepEqual(passed, []);
});

test('a signature that was taken out is told from one that never was', async (t) => {
  const site = await withDepot(t);
  const entries = await honestEntries(site);
  await oddTar(site.at('odd.tar'), [...entries.slice(0, 2), ...entries.slice(3)]);
  await refused(t, site, ['odd.tar'], 'BUNDLE_INVALID', /where manifest\.json\.asc should be/);
});

test('a bundle cut anywhere, or with anything after its end, is refused', async (t) => {
  const site = await withDepot(t);
  await site.create(carriedFiles(2, 1500), 'good.tar');
  const { length } = await readFile(site.at('good.tar'));
  for (const size of [0, 1, 511, 512, 1024, 3000, length - 3000, length - 1024, length - 512, length - 1]) {
    await copyFile(site.at('good.tar'), site.at('cut.tar'));
    await truncate(site.at('cut.tar'), size);
    await refused(t, site, ['cut.tar'], 'BUNDLE_INVALID', /./);
  }
  await copyFile(site.at('good.tar'), site.at('long.tar'));
  await appendFile(site.at('long.tar'), Buffer.alloc(512));
  await refused(t, site, ['long.tar'], 'BUNDLE_INVALID', /where it should end/);
  await appendFile(site.at('long.tar'), await readFile(site.at('good.tar')));
  await refused(t, site, ['long.tar'], 'BUNDLE_INVALID', /twice/);
});

test('a bundle signed by a stranger, or by nobody, is refused', async (t) => {
  const site = await withDepot(t);
  const stranger = await createTestSigner();
  await site.create(carriedFiles(1), 'strange.tar', { signer: stranger.signer });
  await refused(t, site, ['strange.tar'], 'BUNDLE_UNTRUSTED', /not in the keyring/);
  await t.throwsAsync(
    site.open(['strange.tar'], { allowUnsigned: true }),
    { code: 'BUNDLE_UNTRUSTED' },
    '--allow-unsigned is not for bad signatures',
  );

  const unsigned = { output: site.at('none.tar') };
  await createBundle({
    ...unsigned,
    files: await collectFolder(await site.folder('in', carriedFiles(1)), quiet),
  });
  await refused(t, site, ['none.tar'], 'BUNDLE_UNSIGNED', /no signature/);
  await site.import(['none.tar'], await site.depot(), { allowUnsigned: true });
});

test('missing, doubled, mixed and swapped volumes are told apart', async (t) => {
  const site = await withDepot(t);
  await site.create(carriedFiles(20, 20_000), 'a.tar', { volumeBytes: 150_000 });
  await site.create(carriedFiles(20, 20_000, 'other'), 'b.tar', { volumeBytes: 150_000 });
  const all = ['a.tar.001', 'a.tar.002', 'a.tar.003', 'a.tar.004'];
  await refused(
    t,
    site,
    ['a.tar.001', 'a.tar.003', 'a.tar.004'],
    'BUNDLE_VOLUMES',
    /volume 2 of 4 is missing/,
  );
  await refused(t, site, ['a.tar.001', 'a.tar.003'], 'BUNDLE_VOLUMES', /volumes 2, 4 of 4 are missing/);
  await refused(t, site, ['a.tar'], 'BUNDLE_VOLUMES', /the first volume of such a bundle, .*a\.tar\.001/);
  await copyFile(site.at('a.tar.001'), site.at('copy.001'));
  await refused(t, site, [...all, 'copy.001'], 'BUNDLE_VOLUMES', /both volume 1/);
  await refused(
    t,
    site,
    ['a.tar.001', 'b.tar.002', 'a.tar.003', 'a.tar.004'],
    'BUNDLE_VOLUMES',
    /belongs to bundle/,
  );
  await copyFile(site.at('b.tar.002'), site.at('a.tar.002'));
  await refused(t, site, all, 'BUNDLE_VOLUMES', /belongs to bundle/);
});

test('of many volumes all that are broken are told at once', async (t) => {
  const site = await withDepot(t);
  await site.create(carriedFiles(20, 20_000), 'a.tar', { volumeBytes: 150_000 });
  await flip(site.at('a.tar.002'), 100_000);
  await flip(site.at('a.tar.004'), 60_000);
  const all = ['a.tar.001', 'a.tar.002', 'a.tar.003', 'a.tar.004'];
  const error = await t.throwsAsync(
    site.open(all).then((bundle) => verifyBundle(bundle, quiet)),
    { instanceOf: DepotError, code: 'BUNDLE_INVALID' },
  );
  t.regex(error.message, /a\.tar\.002: .*; broken as well: .*a\.tar\.004$/);
});

test('a volume that was renumbered is refused', async (t) => {
  const site = await withDepot(t);
  await site.create(carriedFiles(20, 20_000), 'a.tar', { volumeBytes: 150_000 });
  const bytes = await readFile(site.at('a.tar.002'));
  const at = bytes.indexOf('"number":2');
  bytes.write('"number":3', at);
  await writeFile(site.at('a.tar.002'), bytes);
  await rm(site.at('a.tar.003'));
  await refused(
    t,
    site,
    ['a.tar.001', 'a.tar.002', 'a.tar.004'],
    'BUNDLE_VOLUMES',
    /volume 2 of 4 is missing/,
  );
  const alone = await openBundle([site.at('a.tar.002')], {
    verifier: site.verifier,
    allowUnsigned: false,
    allowPartial: true,
  });
  await t.throwsAsync(verifyBundle(alone, quiet), {
    code: 'BUNDLE_INVALID',
    message: /not in the manifest of this volume/,
  });
});

test('a differential bundle without its base is refused and says which receipt to bring', async (t) => {
  const site = await withDepot(t);
  const other = await site.depot('other');
  await site.create(carriedFiles(3), 'first.tar');
  const { snapshot } = await site.import(['first.tar'], other);
  await site.create({ ...carriedFiles(3), 'new-1.0.0.zip': 'new' }, 'diff.tar', {
    since: await receiptOf(other, snapshot),
  });
  const depot = await site.depot();
  const before = await visibleState(depot.layout.root);
  const error = await t.throwsAsync(site.import(['diff.tar'], depot), {
    instanceOf: DepotError,
    code: 'BUNDLE_BASE_MISSING',
  });
  t.regex(
    error.message,
    new RegExp(`snapshot ${snapshot} of depot ${other.id}; here 6 of 7 files are lacking, the first is pkg0`),
  );
  t.regex(error.advice, /bundle receipt/);
  t.is(await visibleState(depot.layout.root), before);

  await flip(other.layout.contentFile(digestOf(Buffer.from(carriedFiles(1)['pkg0-1.0.0.zip'] ?? ''))), 5);
  await t.throwsAsync(
    site.import(['diff.tar'], other),
    { code: 'BUNDLE_BASE_MISSING', message: /1 of 7 files/ },
    'damaged base content counts as lacking',
  );
});

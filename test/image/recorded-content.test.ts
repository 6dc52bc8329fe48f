import { chmod, readdir, readFile, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { recordedContent } from '../../src/cli/image/recorded-content.ts';
import { digestOf } from '../../src/files/digest.ts';
import { digestOfFiles } from '../../src/depot/file-list.ts';
import { formatRecord, parseRecord } from '../../src/depot/record.ts';
import { parseImageName } from '../../src/image/image-name.ts';
import { makeImage, type ImageResult } from '../../src/image/make-image.ts';
import { formatLockFile } from '../../src/mirror/record/lock-file.ts';
import { carriedFiles, createBundleSite } from '../support/bundle-site.ts';

interface Imported {
  readonly root: string;
  readonly depot: string;
  readonly snapshot: string;
  make(content: string): Promise<ImageResult>;
}

const imported = async (t: ExecutionContext): Promise<Imported> => {
  const site = await createBundleSite(t);
  await site.create(carriedFiles(3), 'carry.bundle');
  await site.import(['carry.bundle'], await site.depot());
  const depot = site.at('depot');
  return {
    root: site.root,
    depot,
    snapshot: await realpath(path.join(depot, 'current')),
    make: (content) =>
      makeImage({
        content,
        output: site.at('image.tar'),
        name: parseImageName('fleet-depot:lite'),
        layerBytes: 1 << 20,
        into: '/packages/distribution',
        env: [],
        labels: {},
        replace: true,
        recorded: recordedContent,
        signal: new AbortController().signal,
        onProgress: () => undefined,
      }),
  };
};

/** What the Dockerfile asks before it divides a folder into layers. */
const checkRecorded = async (content: string): Promise<void> => {
  const script = (await import(pathToFileURL(path.resolve('scripts/recorded-content.js')).href)) as {
    checkRecorded(program: string, folder: string): Promise<void>;
  };
  await script.checkRecorded(process.cwd(), content);
};

test('an image of a depot is made of what the depot recorded', async (t) => {
  const { depot, snapshot, make } = await imported(t);
  t.is((await make(depot)).files, 6);
  t.is((await make(snapshot)).files, 6);
  await t.notThrowsAsync(checkRecorded(depot));
});

const faults: readonly (readonly [string, (site: Imported, victim: string) => Promise<void>, RegExp])[] = [
  [
    'a byte that was changed',
    async (_site, victim) => {
      const content = await readFile(victim);
      content[content.length >> 1] = (content[content.length >> 1] ?? 0) ^ 1;
      await chmod(victim, 0o644);
      await writeFile(victim, content);
    },
    /its SHA-256 is [0-9a-f]{64} instead of [0-9a-f]{64}.*snapshot verify/,
  ],
  ['a file that is gone', (_site, victim) => rm(victim), /it is missing/],
  [
    'a file that nobody carried in',
    ({ snapshot }) => writeFile(path.join(snapshot, 'stranger-1.0.0.zip'), 'x'),
    /stranger-1\.0\.0\.zip: it does not belong to the snapshot/,
  ],
  [
    'a record that is gone',
    ({ depot }) => rm(path.join(depot, 'records'), { recursive: true }),
    /records.*: it is gone/,
  ],
  [
    'a link in the place of a file',
    async (_site, victim) => {
      await rename(victim, `${victim}-kept`);
      await symlink(`${victim}-kept`, victim);
    },
    /it is neither a file nor a folder|it is no plain file/,
  ],
  [
    'a journal that was changed',
    async ({ depot }) => {
      const journal = path.join(depot, 'journal.jsonl');
      await writeFile(journal, (await readFile(journal, 'utf8')).replace('alice', 'mallory'));
    },
    /journal\.jsonl line 2: it does not follow line 1/,
  ],
  [
    'a record and a folder that were replaced together',
    async ({ depot, snapshot }) => {
      const id = path.basename(snapshot);
      const record = path.join(depot, 'records', `${id}.json`);
      const known = parseRecord(await readFile(record, 'utf8'), record, id);
      const files = known.files.slice(2);
      await Promise.all(known.files.slice(0, 2).map((file) => rm(path.join(snapshot, file.path))));
      await writeFile(record, formatRecord({ ...known, files, digest: digestOfFiles(files) }));
    },
    /the journal has another digest for this snapshot: the record was replaced/,
  ],
  [
    'a record that was changed',
    async ({ depot, snapshot }) => {
      const record = path.join(depot, 'records', `${path.basename(snapshot)}.json`);
      await writeFile(record, (await readFile(record, 'utf8')).replace('pkg0-', 'pkg00-'));
    },
    /the record was changed|not in order/,
  ],
];

for (const [title, spoil, message] of faults) {
  test(`no image is made of a depot with ${title}`, async (t) => {
    const site = await imported(t);
    await spoil(site, path.join(site.snapshot, 'pkg1-1.0.1.zip'));
    for (const content of [site.depot, path.join(site.depot, 'current')]) {
      await t.throwsAsync(site.make(content), { message });
      await t.throwsAsync(checkRecorded(content), { message }, 'by the Dockerfile');
    }
    t.deepEqual(
      (await readdir(site.root)).filter((name) => name.includes('image.tar')),
      [],
    );
  });
}

test('an image of a plain folder is made of what its lock file says; other files may lie beside', async (t) => {
  const site = await createBundleSite(t);
  const { make } = await imported(t);
  const archives = { 'apache-1.0.0.zip': 'apache', 'nginx-1.2.0.zip': 'nginx' };
  const packages = Object.entries(archives).map(([file, text]) => {
    const [name = '', version = ''] = file.slice(0, -'.zip'.length).split('-');
    return { name, version, sha256: digestOf(text), size: text.length, source: 'https://upstream.example/' };
  });
  const lock = formatLockFile({ distribution: 'lite', address: 'https://upstream.example', packages });
  const folder = await site.folder('in', {
    ...archives,
    'apache-1.0.0.zip.sig': 'signed anew',
    'own-1.0.0.zip': 'ours',
    'distribution.lock': lock,
  });
  t.is((await make(folder)).files, 5);
  await t.notThrowsAsync(checkRecorded(folder));

  await writeFile(path.join(folder, 'nginx-1.2.0.zip'), 'NGINX');
  const changed = {
    message: /nginx-1\.2\.0\.zip: its SHA-256 is .* isn't what distribution\.lock says any more/,
  };
  await t.throwsAsync(make(folder), changed);
  await t.throwsAsync(checkRecorded(folder), changed);
  await rm(path.join(folder, 'nginx-1.2.0.zip'));
  const gone = { message: /nginx-1\.2\.0\.zip: it is in distribution\.lock, but not here/ };
  await t.throwsAsync(make(folder), gone);
  await t.throwsAsync(checkRecorded(folder), gone);
  await rm(path.join(folder, 'distribution.lock'));
  t.is((await make(folder)).files, 3);
});

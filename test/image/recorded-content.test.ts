import { chmod, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { parseImageName } from '../../src/image/image-name.ts';
import { makeImage, type ImageResult } from '../../src/image/make-image.ts';
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
  ['a file that is gone', (_site, victim) => rm(victim), /it is gone/],
  [
    'a file that nobody carried in',
    ({ snapshot }) => writeFile(path.join(snapshot, 'stranger-1.0.0.zip'), 'x'),
    /stranger-1\.0\.0\.zip: the depot has no record of it/,
  ],
  [
    'a record that is gone',
    ({ depot }) => rm(path.join(depot, 'records'), { recursive: true }),
    /records.*: it is gone/,
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

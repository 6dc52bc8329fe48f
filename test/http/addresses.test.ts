import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { get, getJson } from '../support/client.ts';
import { unpackShared } from '../support/corpus.ts';
import { packageFiles, writeFolderPackage, writeZip } from '../support/packages.ts';
import { serveFolder } from '../support/served-folder.ts';
import { startServer } from '../support/server.ts';

interface Images {
  readonly icons?: readonly { readonly path?: string }[];
  readonly screenshots?: readonly { readonly path?: string }[];
}
interface Named extends Images {
  readonly download: string;
  readonly signature_path?: string;
  readonly path: string;
  readonly readme?: string;
  readonly assets?: readonly string[];
  readonly policy_templates?: readonly (Images & { readonly readme?: string })[];
}

const imagesOf = ({ icons = [], screenshots = [] }: Images): (string | undefined)[] =>
  [...icons, ...screenshots].map(({ path }) => path);

/** Every address that an answer names. */
const addressesOf = (info: Named): string[] =>
  [
    info.download,
    info.signature_path,
    info.readme,
    `${info.path}/`,
    ...(info.assets ?? []),
    ...imagesOf(info),
    ...(info.policy_templates ?? []).flatMap((template) => [template.readme, ...imagesOf(template)]),
  ].filter((address) => address !== undefined);

/** As a client that puts the text into a URL sends it (WHATWG), and with each segment encoded by itself. */
const spellings = (address: string): readonly string[] => [
  new URL(`http://x${address.replaceAll('%', '%25').replaceAll('?', '%3F').replaceAll('#', '%23')}`).pathname,
  address.split('/').map(encodeURIComponent).join('/'),
];

const checkAll = async (t: ExecutionContext, url: string): Promise<number> => {
  const items = await getJson<readonly Named[]>(url, '/search?all=true&prerelease=true');
  const unresolved: string[] = [];
  const agent = new Agent({ keepAlive: true });
  t.teardown(() => agent.destroy());
  let count = 0;
  const check = async (item: Named): Promise<void> => {
    const info = await getJson<Named>(url, `${item.path}/`);
    for (const address of new Set([...addressesOf(info), ...addressesOf(item)])) {
      for (const spelling of new Set(spellings(address))) {
        count++;
        const first = await get(url, spelling, { method: 'HEAD', agent });
        // Repeated slashes are cleaned by one redirect, which every client follows.
        const reply =
          first.status === 301
            ? await get(url, first.header('location') ?? '', { method: 'HEAD', agent })
            : first;
        if (reply.status !== 200) {
          unresolved.push(`${spelling}: ${reply.status}`);
        }
      }
    }
  };
  const waiting = items.values();
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (const item of waiting) {
        await check(item);
      }
    }),
  );
  t.deepEqual(unresolved, []);
  return count;
};

const oddNames = [
  'docs/with space.md',
  'docs/a+b.md',
  'docs/100%.md',
  'docs/%41.md',
  'docs/%2F.md',
  'docs/what?.md',
  'docs/no#1.md',
  'docs/ümläut 日本 😀.md',
  'docs/[a]{b}|c^d`e".md',
  "docs/it's;a=b&c,d@e:f!$(g)*~.md",
  'docs/.hidden.md',
  'docs/...md',
];
const odd = {
  manifest: {
    icons: [
      { src: '/img//double.svg', title: 'a', type: 'image/svg+xml' },
      { src: 'img/no slash.svg', title: 'b' },
    ],
    screenshots: [{ src: '/img/./dot+%.png', title: 'c', type: 'image/png' }],
  },
  files: {
    'img/double.svg': '<svg/>',
    'img/no slash.svg': '<svg/>',
    'img/dot+%.png': 'png',
    ...Object.fromEntries(oddNames.map((name) => [name, name])),
  },
};

for (const kind of ['zip', 'folder']) {
  test(`every address of a ${kind} with odd names is found, raw or encoded`, async (t) => {
    const { url } = await serveFolder(t, (root) =>
      kind === 'zip'
        ? writeZip(join(root, 'demo-1.0.0.zip'), 'demo-1.0.0', packageFiles(odd))
        : writeFolderPackage(root, odd),
    );
    t.true((await checkAll(t, url)) > oddNames.length * 2);
    const info = await getJson<Named>(url, '/package/demo/1.0.0/');
    t.deepEqual(
      info.icons?.map(({ path }) => path),
      ['/package/demo/1.0.0/img/double.svg', '/package/demo/1.0.0/img/no slash.svg'],
    );
    for (const name of oddNames) {
      const [spelling = ''] = spellings(`/package/demo/1.0.0/${name}`);
      t.is((await get(url, spelling)).text, name);
    }
  });
}

test('a name goes through curl as it is written', async (t) => {
  if (!existsSync('/usr/bin/curl')) {
    t.log('skipped: curl is not installed');
    t.pass();
    return;
  }
  const { url } = await serveFolder(t, (root) => writeFolderPackage(root, odd));
  for (const name of ['docs/a+b.md', 'docs/ümläut%20日本%20😀.md']) {
    const { stdout } = await promisify(execFile)('curl', [
      '-sS',
      '--globoff',
      `${url}/package/demo/1.0.0/${name}`,
    ]);
    t.is(stdout, decodeURIComponent(name));
  }
});

test('every address that the packages of the reference set name is found', async (t) => {
  const folder = await unpackShared(t, 'modern');
  if (folder === undefined) {
    return;
  }
  const server = await startServer({ packagePaths: [folder] });
  t.teardown(() => server.close());
  t.true((await checkAll(t, server.url)) > 1000);
});

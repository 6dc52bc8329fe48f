import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { runConformance, unpackShared } from '../support/corpus.ts';
import { scratch } from '../support/scratch.ts';
import { startServer } from '../support/server.ts';
import { sharedFolder } from '../support/shared.ts';

test('every kept answer over packages in the formats of today is given', async (t) => {
  const folder = await unpackShared(t, 'modern');
  const cases = sharedFolder('golden', 'modern');
  if (folder === undefined || cases === undefined) {
    return;
  }
  const server = await startServer({ packagePaths: [folder] });
  t.teardown(() => server.close());
  const output = await runConformance(server.url, cases);
  t.regex(output, /\b\d{3,} passed, 0 failed\s*$/, output);
});

interface Case {
  readonly group: string;
  readonly path: string;
}

// Lists depend on all packages, and these cases were kept with more of them than are served here.
const ofOnePackage = new Set(['package', 'file', 'archive', 'path']);

test('every kept answer about one of the packages of a small set of archives is given', async (t) => {
  const folder = await unpackShared(t, 'lite');
  const golden = sharedFolder('golden', 'corpus');
  if (folder === undefined || golden === undefined) {
    return;
  }
  const served = (await readdir(folder))
    .filter((file) => file.endsWith('.zip'))
    .map((file) => file.slice(0, -4));
  const isServed = ({ group, path }: Case): boolean =>
    ofOnePackage.has(group) &&
    served.some((one) => {
      const [name = '', ...version] = one.split('-');
      return path.includes(`/${name}/${version.join('-')}/`) || path.includes(`${one}.zip`);
    });
  const lines = (await readFile(join(golden, 'cases.jsonl'), 'utf8')).trim().split('\n');
  const chosen = lines.filter((line) => isServed(JSON.parse(line) as Case));
  const cases = join(await scratch(t), 'cases');
  await mkdir(cases);
  await symlink(join(golden, 'bodies'), join(cases, 'bodies'));
  await writeFile(join(cases, 'cases.jsonl'), `${chosen.join('\n')}\n`);
  const server = await startServer({ packagePaths: [folder] });
  t.teardown(() => server.close());
  const output = await runConformance(server.url, cases);
  t.regex(output, /\b\d{2,} passed, 0 failed\s*$/, output);
});

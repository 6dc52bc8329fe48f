import { chmod, mkdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { scratch } from '../support/scratch.ts';

interface Splitter {
  splitContent(
    folder: string,
    target: string,
    limits: { readonly parts: number; readonly limit: number },
  ): { readonly filled: number };
}

test('every user can read what the Dockerfile puts into the image, whatever the umask of who fetched it', async (t) => {
  const script = pathToFileURL(path.resolve('scripts/split-content.js')).href;
  const { splitContent } = (await import(script)) as Splitter;
  const folder = await scratch(t);
  const content = path.join(folder, 'content');
  await mkdir(path.join(content, 'own'), { recursive: true, mode: 0o700 });
  for (const [name, mode] of [
    ['nginx-1.0.0.zip', 0o600],
    ['own/manifest.yml', 0o640],
    ['public.zip', 0o644],
  ] as const) {
    await writeFile(path.join(content, name), name);
    await chmod(path.join(content, name), mode);
  }
  const parts = path.join(folder, 'parts');
  t.is(splitContent(content, parts, { parts: 2, limit: 1 << 20 }).filled, 1);
  const modeOf = async (name: string): Promise<string> =>
    ((await stat(path.join(parts, '00', name))).mode & 0o777).toString(8);
  t.is(await modeOf('nginx-1.0.0.zip'), '644');
  t.is(await modeOf('own/manifest.yml'), '644');
  t.is(await modeOf('public.zip'), '644');
  t.is(((await stat(path.join(content, 'nginx-1.0.0.zip'))).mode & 0o777).toString(8), '600', 'the original');
});

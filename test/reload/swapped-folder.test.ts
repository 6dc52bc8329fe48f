import { readdir, rename, symlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { eventually } from '../support/eventually.ts';
import { writeFolderPackage, writeZipPackage } from '../support/packages.ts';
import { scratch } from '../support/scratch.ts';
import { descriptionOf, lookBy, startRegistry } from './registry.ts';

const writeSet = async (folder: string, description: string, names: readonly string[]): Promise<void> => {
  await writeZipPackage(folder, { manifest: { description } });
  await writeFolderPackage(folder, { name: 'unpacked', manifest: { description } });
  for (const name of names) {
    await writeZipPackage(folder, { name });
  }
  // A set that was made ready before: what was written to just now is looked at once more, and a folder read anew.
  const hourAgo = Date.now() / 1000 - 3600;
  for (const item of await readdir(folder, { recursive: true })) {
    await utimes(join(folder, item), hourAgo, hourAgo);
  }
};

for (const [means, flags] of Object.entries({ notifications: lookBy.notify, polling: lookBy.poll })) {
  test(`a symlink that is the whole package folder is swapped in one new snapshot, by ${means} alone`, async (t) => {
    const base = await scratch(t);
    await writeSet(join(base, 'one'), 'Old.', ['gone', 'stays']);
    await writeSet(join(base, 'two'), 'New.', [
      'stays',
      ...Array.from({ length: 40 }, (_, at) => `new_${at}`),
    ]);
    const link = join(base, 'packages');
    await symlink('one', link);
    const registry = await startRegistry(t, { packagePaths: [link], flags });
    const names = async (): Promise<string> => {
      const found = (await (await fetch(`${registry.url}/search`)).json()) as { readonly name: string }[];
      return found
        .map(({ name }) => name)
        .filter((name) => !name.startsWith('new_'))
        .concat(`${found.filter(({ name }) => name.startsWith('new_')).length} new`)
        .join();
    };
    const [before, after] = ['demo,gone,stays,unpacked,0 new', 'demo,stays,unpacked,40 new'];
    t.is(await names(), before);
    const { generation } = await registry.health();

    await symlink('two', join(base, 'next'));
    await rename(join(base, 'next'), link);
    const seen = new Set<string>();
    await eventually('the new set', async () => {
      const now = await names();
      seen.add(now);
      return now === after;
    });
    t.true(
      [...seen].every((one) => one === before || one === after),
      [...seen].join(' | '),
    );
    t.is(await descriptionOf(registry), 'New.');
    // Further looks change nothing that is served.
    await registry.app.refresh();
    await registry.app.refresh();
    const health = await registry.health();
    t.is(health.generation, generation + 1);
    t.is(health.versions, 43);
    t.is(registry.lines.filter(({ fields }) => fields['event.action'] === 'index-ready').length, 2);
  });
}

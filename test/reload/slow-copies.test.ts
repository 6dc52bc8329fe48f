import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { eventually } from '../support/eventually.ts';
import { writeZipPackage } from '../support/packages.ts';
import { described, descriptionOf, serves, startRegistry } from './registry.ts';

/** Writes a file as a slow network would, from its beginning; resolves with the number of pieces. */
const copySlowly = async (path: string, bytes: Buffer, pieces: number): Promise<void> => {
  const file = await open(path, 'w');
  for (let piece = 0; piece < pieces; piece++) {
    const [start, end] = [piece, piece + 1].map((at) => Math.floor((bytes.length * at) / pieces));
    await setTimeout(250);
    await file.write(bytes.subarray(start, end));
  }
  await file.close();
};

test.serial('a slow copy is taken when it is whole, and is never in quarantine before', async (t) => {
  const registry = await startRegistry(t, {
    prepare: (folder) => writeZipPackage(folder, { version: '0.9.0' }),
  });
  const copy = { isRunning: true };
  const copied = copySlowly(
    join(registry.folder, 'demo-1.0.0.zip'),
    await described('Slow.', 50_000),
    40,
  ).then(() => (copy.isRunning = false));
  const seen = new Set<string>();
  while (copy.isRunning) {
    const [versions, { quarantined }] = await Promise.all([registry.versions(), registry.health()]);
    // The last piece may have come meanwhile.
    seen.add(`${copy.isRunning ? versions.join() : '0.9.0'} ${quarantined}`);
    await setTimeout(100);
  }
  await copied;
  await serves(registry, ['0.9.0', '1.0.0']);
  t.deepEqual([...seen], ['0.9.0 0']);
  t.false(registry.lines.some(({ fields }) => fields['event.action'] === 'package-quarantined'));
});

test.serial(
  'while a package is replaced in place the old one stays listed, and no half of it is sent',
  async (t) => {
    const registry = await startRegistry(t, { prepare: writeZipPackage });
    const address = `${registry.url}/epr/demo/demo-1.0.0.zip`;
    const old = Buffer.from(await (await fetch(address)).arrayBuffer());
    const bytes = await described('The new one.', 50_000);
    const copy = { isRunning: true };
    const copied = copySlowly(join(registry.folder, 'demo-1.0.0.zip'), bytes, 40).then(
      () => (copy.isRunning = false),
    );
    while (copy.isRunning) {
      t.deepEqual(await registry.versions(), ['1.0.0']);
      const answer = await fetch(address);
      const body = await answer.arrayBuffer().then(Buffer.from, () => undefined);
      t.true(answer.status === 503 || !body || body.equals(old) || body.equals(bytes), `${answer.status}`);
      await setTimeout(100);
    }
    await copied;
    await eventually('the new one', async () => (await descriptionOf(registry)) === 'The new one.');
    t.true(Buffer.from(await (await fetch(address)).arrayBuffer()).equals(bytes));
  },
);

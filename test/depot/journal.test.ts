import test from 'ava';
import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as fc from 'fast-check';
import { createJournal, readJournal, type Journal } from '../../src/depot/journal.ts';
import { digestOf } from '../../src/depot/digest.ts';

const scratch = async (t: import('ava').ExecutionContext): Promise<{ file: string; journal: Journal }> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'fleet-depot-journal-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'journal.jsonl');
  return {
    file,
    journal: createJournal(
      file,
      () => new Date('2026-01-01T00:00:00Z'),
      () => 'alice',
    ),
  };
};

test('each line names the hash of the one before', async (t) => {
  const { file, journal } = await scratch(t);
  await journal.append({ action: 'init', note: 'depot' });
  await journal.append({ action: 'import', snapshot: 's', digest: 'd', bundle: 'b' });
  const [first = '', second = ''] = (await readFile(file, 'utf8')).split('\n');
  t.deepEqual(JSON.parse(second), {
    n: 2,
    time: '2026-01-01T00:00:00.000Z',
    user: 'alice',
    action: 'import',
    snapshot: 's',
    digest: 'd',
    bundle: 'b',
    previous: digestOf(first),
  });
  t.is((await journal.read()).fault, undefined);
});

test('a torn last line is no fault: it is cut off, with a line that says so, at the next change', async (t) => {
  const { file, journal } = await scratch(t);
  await journal.append({ action: 'init' });
  await journal.append({ action: 'pin', snapshot: 's' });
  await truncate(file, (await readFile(file)).length - 7);
  const state = await journal.read();
  t.is(state.fault, undefined);
  t.true(state.tornBytes > 0);
  t.is(state.lines.length, 1);
  await journal.append({ action: 'unpin', snapshot: 's' });
  const after = await journal.read();
  t.deepEqual(
    after.lines.map((line) => line.action),
    ['init', 'recover', 'unpin'],
  );
  t.is(after.tornBytes, 0);
});

test('an edited, removed, added or swapped line breaks the chain, and nothing is appended to it', async (t) => {
  const { file, journal } = await scratch(t);
  for (const note of ['a', 'b', 'c', 'd']) {
    await journal.append({ action: 'label', snapshot: 's', note });
  }
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
  const [a = '', b = '', c = '', d = ''] = lines;
  const broken: readonly (readonly string[])[] = [
    [a, b.replace('"note":"b"', '"note":"x"'), c, d],
    [a, c, d],
    [b, c, d],
    [a, b, b, c, d],
    [a, c, b, d],
    [a, b, 'not a line', c, d],
    [a, b, `${c} `, d],
  ];
  for (const one of broken) {
    await writeFile(file, one.map((line) => `${line}\n`).join(''));
    const { fault } = await journal.read();
    t.truthy(fault, one.join('|'));
    const before = await readFile(file, 'utf8');
    await t.throwsAsync(journal.append({ action: 'gc' }), {
      code: 'JOURNAL_BROKEN',
      message: new RegExp(`line ${fault?.line}`),
    });
    t.is(await readFile(file, 'utf8'), before);
  }
});

test('a broken journal is set aside and the new chain names its digest', async (t) => {
  const { file, journal } = await scratch(t);
  await journal.append({ action: 'init' });
  await appendFile(file, 'rubbish\n');
  const bytes = await readFile(file);
  const aside = await journal.restart();
  t.deepEqual(await readFile(aside), bytes);
  const { lines, fault } = await journal.read();
  t.is(fault, undefined);
  t.true(lines[0]?.note?.includes(digestOf(bytes)));
});

test('any changed byte of a journal is seen, as a fault or as a torn end', async (t) => {
  const { file, journal } = await scratch(t);
  for (const note of ['a', 'b', 'c']) {
    await journal.append({ action: 'label', snapshot: 's', note });
  }
  const good = await readFile(file);
  const lastLine = good.lastIndexOf(0x0a, good.length - 2) + 1;
  fc.assert(
    fc.property(fc.nat(lastLine - 1), fc.integer({ min: 1, max: 255 }), (offset, bits) => {
      const bad = Buffer.from(good);
      bad[offset] = (bad[offset] ?? 0) ^ bits;
      return readJournal(bad).fault !== undefined;
    }),
  );
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      (bytes) => readJournal(Buffer.from(bytes)).lines.length === 0,
    ),
  );
  t.is(readJournal(good).lines.length, 3);
});

import test, { type ExecutionContext } from 'ava';
import { appendFile, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as fc from 'fast-check';
import { readJournal } from '../../src/depot/journal-chain.ts';
import { createJournal, type Journal } from '../../src/depot/journal.ts';
import { digestOf } from '../../src/files/digest.ts';
import { scratch } from '../support/scratch.ts';

const newJournal = async (t: ExecutionContext): Promise<{ file: string; journal: Journal }> => {
  const file = path.join(await scratch(t), 'journal.jsonl');
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
  const { file, journal } = await newJournal(t);
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
  const { file, journal } = await newJournal(t);
  const headFile = file.replace('.jsonl', '.head');
  await journal.append({ action: 'init' });
  const head = await readFile(headFile);
  await journal.append({ action: 'pin', snapshot: 's' });
  await truncate(file, (await readFile(file)).length - 7);
  // A crash in the middle of a line comes before the head is written.
  await writeFile(headFile, head);
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
  const { file, journal } = await newJournal(t);
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
    [a, b, c],
    [a],
    [],
    [a, b, c, d.replace('"note":"d"', '"note":"x"')],
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
  const { file, journal } = await newJournal(t);
  await journal.append({ action: 'init' });
  await appendFile(file, 'rubbish\n');
  const bytes = await readFile(file);
  const aside = await journal.restart();
  t.deepEqual(await readFile(aside), bytes);
  const { lines, fault } = await journal.read();
  t.is(fault, undefined);
  t.true(lines[0]?.note?.includes(digestOf(bytes)));
});

test('a journal that is gone, and a changed head, are faults; a head that lags or is not there is none', async (t) => {
  const { file, journal } = await newJournal(t);
  const headFile = file.replace('.jsonl', '.head');
  await journal.append({ action: 'init' });
  const early = await readFile(headFile, 'utf8');
  await journal.append({ action: 'pin', snapshot: 's' });
  const late = await readFile(headFile, 'utf8');
  t.is(late.length, early.length);
  for (const text of [early, '', '\0'.repeat(late.length)]) {
    await writeFile(headFile, text);
    t.is((await journal.read()).fault, undefined, JSON.stringify(text));
  }
  for (const text of ['x', late.replace('2 ', '3 '), late.replace(/.\n$/, 'g\n'), `${late} `]) {
    await writeFile(headFile, text);
    t.truthy((await journal.read()).fault, JSON.stringify(text));
  }
  await rm(headFile);
  t.is((await journal.read()).fault, undefined, 'a depot of before has none');
  await journal.append({ action: 'unpin', snapshot: 's' });
  await rm(file);
  t.is((await journal.read()).fault?.line, 1);
  await t.throwsAsync(journal.append({ action: 'gc' }), { code: 'JOURNAL_BROKEN' });
  await journal.restart();
  t.is((await journal.read()).fault, undefined);
});

test('whichever byte of a journal is changed or cut off, it is seen', async (t) => {
  const { file, journal } = await newJournal(t);
  await journal.append({ action: 'init' });
  await journal.append({ action: 'label', snapshot: 's', note: 'a' });
  const good = await readFile(file);
  for (let at = 0; at < good.length; at += 1) {
    const bad = Buffer.from(good);
    bad[at] = (bad[at] ?? 0) ^ 1;
    await writeFile(file, bad);
    t.truthy((await journal.read()).fault, `byte ${at}`);
    await writeFile(file, good.subarray(0, at));
    t.truthy((await journal.read()).fault, `cut at ${at}`);
  }
});

test('any changed byte of a journal is seen, as a fault or as a torn end', async (t) => {
  const { file, journal } = await newJournal(t);
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

import { appendFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { openJournal } from '../../../src/mirror/record/journal.ts';
import { scratch } from '../../support/scratch.ts';

const facts = { id: 'a-1.0.0', sha256: 'x', size: 5, source: 'https://registry.example/a.zip' };

/** Where a journal is to be, and an archive as the facts tell of it. */
const setUp = async (t: ExecutionContext): Promise<{ readonly file: string; readonly archive: string }> => {
  const folder = await scratch(t);
  const [file, archive] = [join(folder, 'journal.jsonl'), join(folder, 'a.zip')];
  writeFileSync(archive, 'first');
  return { file, archive };
};

test('a file that was checked is known until it changes, also behind a line that a crash has torn', async (t) => {
  const { file, archive } = await setUp(t);
  const journal = await openJournal(file, false);
  await journal.record(facts, statSync(archive));
  await journal.close();
  appendFileSync(file, '{"id":"b-1.0.0","sha');

  const again = await openJournal(file, false);
  t.is(again.recall('a-1.0.0', statSync(archive))?.sha256, 'x');
  t.is(again.known('b-1.0.0'), undefined);
  await again.record({ ...facts, id: 'c-1.0.0' }, statSync(archive));
  await again.close();

  const third = await openJournal(file, true);
  t.is(third.known('c-1.0.0')?.id, 'c-1.0.0');
  writeFileSync(archive, 'second');
  t.is(third.recall('a-1.0.0', statSync(archive)), undefined);
  await third.close();
});

test('what was signed until a day is looked at again from then on', async (t) => {
  const { file, archive } = await setUp(t);
  let now = 1_000_000;
  const journal = await openJournal(file, false, [], () => now);
  await journal.record({ ...facts, signedUntil: 2_000_000 }, statSync(archive));
  t.truthy(journal.recall('a-1.0.0', statSync(archive)));
  now = 2_000_000;
  t.is(journal.recall('a-1.0.0', statSync(archive)), undefined);
  t.truthy(journal.known('a-1.0.0'));
  await journal.close();
});

test('a line of a later format counts for nothing, nor does one before it: its file is checked again', async (t) => {
  const { file, archive } = await setUp(t);
  const journal = await openJournal(file, false);
  await journal.record(facts, statSync(archive));
  await journal.record({ ...facts, id: 'b-1.0.0' }, statSync(archive));
  await journal.close();
  const { mtimeMs: modified, ino: inode } = statSync(archive);
  appendFileSync(file, `${JSON.stringify({ ...facts, modified, inode, format: 2 })}\n`);

  const again = await openJournal(file, true);
  t.is(again.recall('a-1.0.0', statSync(archive)), undefined);
  t.is(again.known('a-1.0.0'), undefined, 'so nothing prunes it');
  t.truthy(again.recall('b-1.0.0', statSync(archive)));
  await again.close();
});

import test from 'ava';
import type { IndexCache } from '../../src/index/index-cache.ts';
import type { KnownPackages } from '../../src/index/known-package.ts';
import { createSaver } from '../../src/index/saver.ts';
import { eventually } from '../support/eventually.ts';
import { knownSamples } from './known-samples.ts';

/** A cache that can be written while `hasRoom` says so, with all that it was given. */
const createDisk = (): Pick<IndexCache, 'save'> & { hasRoom: boolean; readonly given: KnownPackages[] } => ({
  hasRoom: true,
  given: [],
  save(known) {
    this.given.push(known);
    return Promise.resolve(this.hasRoom);
  },
});

test('what could not be written is written as soon as it can be, without any further change', async (t) => {
  const disk = createDisk();
  const saver = createSaver(disk as unknown as IndexCache, { between: 1, afterFailure: 1 });
  const known = knownSamples(1);
  disk.hasRoom = false;
  saver.save(known);
  t.false(await saver.flush());
  t.false(saver.isDone());
  await eventually('it is tried again', () => disk.given.length > 2);
  t.false(saver.isDone());
  disk.hasRoom = true;
  await eventually('it is written', () => saver.isDone());
  t.true(disk.given.every((one) => one === known));
  t.true(await saver.close());
});

test('what is newer takes the place of what could not be written', async (t) => {
  const disk = createDisk();
  const saver = createSaver(disk as unknown as IndexCache, { between: 1, afterFailure: 3_600_000 });
  disk.hasRoom = false;
  saver.save(knownSamples(1));
  t.false(await saver.flush());
  const newer = knownSamples(2);
  saver.save(newer);
  disk.hasRoom = true;
  t.true(await saver.flush());
  t.is(disk.given.at(-1), newer);
  t.true(saver.isDone());
  t.true(await saver.close());
});

test('it is not done while anything is being written', async (t) => {
  const writes: (() => void)[] = [];
  const disk = { save: () => new Promise<boolean>((resolve) => writes.push(() => resolve(true))) };
  const saver = createSaver(disk as unknown as IndexCache, { between: 3_600_000, afterFailure: 1 });
  saver.save(knownSamples(1));
  const first = saver.flush();
  await eventually('the first is being written', () => writes.length === 1);
  t.false(saver.isDone());
  saver.save(knownSamples(2));
  writes[0]?.();
  t.true(await first);
  t.false(saver.isDone(), 'the second waits');
  const last = saver.close();
  await eventually('the second is being written', () => writes.length === 2);
  t.false(saver.isDone());
  writes[1]?.();
  t.true(await last);
  t.true(saver.isDone());
});

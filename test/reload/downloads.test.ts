import { rename, rm, writeFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import test from 'ava';
import { eventually } from '../support/eventually.ts';
import { described, descriptionOf, lookBy, startRegistry, type Registry } from './registry.ts';

const size = 12_000_000;

/** Begins a download and reads none of its body yet. */
const begin = (registry: Registry): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    get(`${registry.url}/epr/demo/demo-1.0.0.zip`, { agent: false }, resolve).on('error', reject);
  });

const startWith = async (t: Parameters<typeof startRegistry>[0], bytes: Buffer): Promise<Registry> =>
  startRegistry(t, {
    flags: lookBy.notify,
    prepare: (folder) => writeFile(join(folder, 'demo-1.0.0.zip'), bytes),
  });

test('a download that runs ends whole on the old archive when that is replaced by a rename or removed', async (t) => {
  const [one, two] = [await described('One.', size), await described('Two.', size)];
  const registry = await startWith(t, one);
  const path = join(registry.folder, 'demo-1.0.0.zip');
  const running = await begin(registry);
  await writeFile(join(registry.folder, '.two'), two);
  await rename(join(registry.folder, '.two'), path);
  await eventually('the new one', async () => (await descriptionOf(registry)) === 'Two.');
  const next = await begin(registry);
  t.not(next.headers.etag, running.headers.etag);
  await rm(path);
  await eventually('it is gone', async () => (await registry.versions()).length === 0);
  t.true((await buffer(running)).equals(one));
  t.true((await buffer(next)).equals(two));
});

test('a download that runs is cut when its archive is written to in place: never old and new mixed', async (t) => {
  const [one, two] = [await described('One.', size), await described('Two.', size)];
  const registry = await startWith(t, one);
  const running = await begin(registry);
  const first = (await running[Symbol.asyncIterator]().next()).value as Buffer;
  t.true(one.subarray(0, first.length).equals(first));
  await writeFile(join(registry.folder, 'demo-1.0.0.zip'), two);
  await t.throwsAsync(buffer(running), undefined, 'the connection is cut');
  await eventually('the new one', async () => (await descriptionOf(registry)) === 'Two.');
  const next = await begin(registry);
  t.not(next.headers.etag, running.headers.etag);
  t.true((await buffer(next)).equals(two));
});

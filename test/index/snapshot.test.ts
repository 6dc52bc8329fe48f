import test from 'ava';
import { createSnapshotMaker } from '../../src/index/snapshot.ts';
import type { SnapshotItem } from '../../src/index/snapshot-item.ts';

const item = (name: string, version: string, folder = 'first'): SnapshotItem => {
  const path = `/srv/${folder}/${name}-${version}.zip`;
  return {
    ref: { kind: 'zip', path, label: `${name}-${version}.zip`, stamp: '1-2-3-4', size: 1, modifiedAt: 1 },
    record: {
      name,
      version,
      type: 'integration',
      release: 'ga',
      format: '3.0',
      kibana: '^8.0.0',
      agent: undefined,
      capabilities: [],
      categories: [],
      templates: [],
      discoveryFields: undefined,
      discoveryDatasets: undefined,
      deprecated: undefined,
      isSigned: false,
    },
    summary: Buffer.from('{}'),
    detail: () => Promise.resolve(Buffer.from('{}')),
  };
};

const labels = (snapshot: ReturnType<ReturnType<typeof createSnapshotMaker>>): string[] =>
  snapshot.packages.map(({ ref }) => ref.label);

test('packages are in the order of names and versions, whatever order they came in', (t) => {
  const make = createSnapshotMaker(() => undefined);
  const items = [item('b', '1.10.0'), item('a', '2.0.0'), item('b', '1.9.0'), item('B', '1.0.0')];
  const snapshot = make(1, items, []);
  t.deepEqual(labels(snapshot), ['B-1.0.0.zip', 'a-2.0.0.zip', 'b-1.9.0.zip', 'b-1.10.0.zip']);
  t.is(snapshot.names, 3);
  t.is(snapshot.kibanaConstraints.length, 1);
  t.is(snapshot.find('b', '1.9.0')?.ref.label, 'b-1.9.0.zip');
  t.is(snapshot.find('b', '1.9.1'), undefined);
  t.is(snapshot.find('c', '1.9.0'), undefined);
});

test('the next snapshot has what is new, has lost what is gone, and shares the rest', (t) => {
  const make = createSnapshotMaker(() => undefined);
  const kept = [item('a', '1.0.0'), item('a', '1.1.0')];
  const before = make(1, [...kept, item('b', '1.0.0')], []);
  const relisted = kept.map((one) => ({ ...one, ref: { ...one.ref } }));
  const after = make(2, [...relisted, item('c', '1.0.0')], []);
  t.deepEqual(labels(after), ['a-1.0.0.zip', 'a-1.1.0.zip', 'c-1.0.0.zip']);
  t.is(after.find('a', '1.0.0'), before.find('a', '1.0.0'));
  t.is(after.find('b', '1.0.0'), undefined);
  t.deepEqual(labels(before), ['a-1.0.0.zip', 'a-1.1.0.zip', 'b-1.0.0.zip']);
});

test('a package that was replaced is served from its new file', (t) => {
  const make = createSnapshotMaker(() => undefined);
  const old = item('a', '1.0.0');
  make(1, [old], []);
  const touched = { ...old, ref: { ...old.ref, stamp: '1-2-9-4' } };
  t.is(make(2, [touched], []).find('a', '1.0.0')?.ref.stamp, '1-2-9-4');
});

test('of equal versions the first found is served, and each other one is told of once', (t) => {
  const told: string[] = [];
  const make = createSnapshotMaker((other, first) => told.push(`${other.ref.path} ${first.ref.path}`));
  const items = [item('a', '1.0.0'), item('a', '1.0.0', 'second'), item('b', '1.0.0')];
  t.is(make(1, items, []).find('a', '1.0.0')?.ref.path, '/srv/first/a-1.0.0.zip');
  t.deepEqual(told, ['/srv/second/a-1.0.0.zip /srv/first/a-1.0.0.zip']);
  make(2, items, []);
  t.is(told.length, 1);
  make(3, items.slice(0, 1), []);
  make(4, items, []);
  t.is(told.length, 2);
});

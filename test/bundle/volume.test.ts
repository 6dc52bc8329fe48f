import test from 'ava';
import * as fc from 'fast-check';
import { tarEndBytes, tarEntryBytes } from '../../src/archive/tar-writer.ts';
import { divideIntoVolumes, formatVolumeHeader, parseVolumeHeader } from '../../src/bundle/volume.ts';
import { digestOf } from '../../src/files/digest.ts';

test('every content is in just one volume, in order, and no volume reaches its size', (t) => {
  const head = { manifest: 5000, page: 7000 };
  fc.assert(
    fc.property(
      fc.array(fc.nat(60_000), { maxLength: 60 }),
      fc.integer({ min: 110_000, max: 400_000 }),
      (sizes, limit) => {
        const files = sizes.map((size, at) => ({ path: `f${at}`, sha256: digestOf(`${at}`), size }));
        const { volumes, numberOf } = divideIntoVolumes(files, limit, head);
        const numbers = files.map((file) => numberOf.get(file.sha256) ?? 0);
        const bytes = Array.from({ length: volumes }, (_, at) =>
          files
            .filter((file) => numberOf.get(file.sha256) === at + 1)
            .reduce(
              (sum, file) => sum + tarEntryBytes(file.size),
              tarEndBytes + tarEntryBytes(5000) + tarEntryBytes(7000),
            ),
        );
        const rising = numbers.every((number, at) => at === 0 || number >= (numbers[at - 1] ?? 0));
        return (
          rising &&
          numbers.every((number) => number >= 1 && number <= volumes) &&
          bytes.every((one) => one < limit)
        );
      },
    ),
  );
  t.pass();
});

test('a volume that is too small for a file is told the smallest size that does, for the largest file', (t) => {
  const head = { manifest: 5000, page: 7000 };
  const files = [90_000, 100_000, 80_000].map((size, at) => ({
    path: `f${at}`,
    sha256: digestOf(`${at}`),
    size,
  }));
  for (const limit of [0, 1, 50_000, 110_000]) {
    const error = t.throws(() => divideIntoVolumes(files, limit, head), { code: 'BUNDLE_UNFIT' });
    const least = Number(/f1 has 100000 bytes .* --volume-size (\d+) is/.exec(error.message)?.[1]);
    t.notThrows(() => divideIntoVolumes(files, least, head));
    t.throws(() => divideIntoVolumes(files, least - 1, head), { code: 'BUNDLE_UNFIT' });
  }
});

test('the header of a volume comes back as it was, and a senseless one is refused', (t) => {
  const header = { bundle: digestOf('x'), number: 2, total: 3 };
  t.deepEqual(parseVolumeHeader(Buffer.from(formatVolumeHeader(header)), 'f'), header);
  const bad = [
    '',
    'null',
    '[]',
    '{}',
    formatVolumeHeader({ ...header, number: 4 }),
    formatVolumeHeader({ ...header, number: 0 }),
    formatVolumeHeader({ ...header, number: 1.5 }),
    formatVolumeHeader({ ...header, bundle: '../x' }),
    formatVolumeHeader(header).replace('volume/1', 'volume/0'),
  ];
  for (const text of bad) {
    t.throws(() => parseVolumeHeader(Buffer.from(text), 'f'), { code: 'BUNDLE_INVALID' }, text);
  }
});

test('the header of a later version is called newer, whatever else is in it', (t) => {
  const text = '{"format":"fleet-depot-volume/2","parts":[]}\n';
  t.throws(() => parseVolumeHeader(Buffer.from(text), 'carry.tar'), {
    code: 'FORMAT_NEWER',
    message: /^carry\.tar was made/,
  });
});

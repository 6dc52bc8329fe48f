import test from 'ava';
import fc from 'fast-check';
import { formatDuration, parseDuration } from '../../src/config/duration.ts';
import { formatBytes, parseBytes } from '../../src/config/bytes.ts';
import { DepotError } from '../../src/domain/errors.ts';

test('durations are read as Go writes them', (t) => {
  const cases: Readonly<Record<string, number>> = {
    '0': 0, '0s': 0, '10s': 10_000, '10m': 600_000, '1h30m': 5_400_000, '1.5s': 1500, '500ms': 500, '.5s': 500, '1.s': 1000,
    '250us': 0.25, '250µs': 0.25, '1000000ns': 1, '2h0.5m': 7_230_000,
  }; // prettier-ignore
  for (const [text, milliseconds] of Object.entries(cases)) {
    t.is(parseDuration(text), milliseconds, text);
  }
});

test('what is no duration is refused and quoted', (t) => {
  for (const text of ['', '10', 's', '10 m', '-5s', '1d', '1h 30m', '10m!', 'ten minutes', '1e3s', '..5s']) {
    const error = t.throws(() => parseDuration(text), { instanceOf: DepotError });
    t.true(error.message.includes(`'${text}'`), error.message);
  }
});

test('every whole number of milliseconds survives being written and read', (t) => {
  fc.assert(
    fc.property(
      fc.nat(),
      (milliseconds) => Math.abs(parseDuration(formatDuration(milliseconds)) - milliseconds) < 0.001,
    ),
  );
  t.is(formatDuration(5_400_000), '1h30m');
});

test('no text makes the readers do anything but answer a number or refuse', (t) => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9.hmsunµkKMGiB ]*$/)), (text) => {
      for (const read of [parseDuration, parseBytes]) {
        try {
          if (!Number.isFinite(read(text)) || read(text) < 0) {
            return false;
          }
        } catch (error) {
          if (!(error instanceof DepotError)) {
            return false;
          }
        }
      }
      return true;
    }),
  );
  t.pass();
});

test('sizes have units of 1000 and of 1024', (t) => {
  const cases: Readonly<Record<string, number>> = {
    '1048576': 1_048_576, '64MiB': 67_108_864, '64mib': 67_108_864, '64M': 67_108_864, '512KB': 512_000, '1.5 GiB': 1_610_612_736, '7B': 7, '0': 0,
  }; // prettier-ignore
  for (const [text, bytes] of Object.entries(cases)) {
    t.is(parseBytes(text), bytes, text);
  }
  for (const text of ['', 'MiB', '64 megabytes', '-1', '1e9', '99999999999999TiB']) {
    t.throws(() => parseBytes(text), { instanceOf: DepotError }, text);
  }
  t.is(formatBytes(67_108_864), '64MiB');
  t.is(formatBytes(1536), '1.5KiB');
});

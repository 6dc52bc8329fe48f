import test from 'ava';
import { elasticKey } from '../../src/signing/pinned-keys.ts';
import { formatFingerprint, parseFingerprint } from '../../src/signing/fingerprint.ts';

test('fingerprints are full or nothing', (t) => {
  t.is(parseFingerprint('4609 5ACC 8548 582C 1A26 99A9 D27D 666C D88E 42B4'), elasticKey.fingerprint);
  t.is(parseFingerprint('0x46095acc8548582c1a2699a9d27d666cd88e42b4'), elasticKey.fingerprint);
  for (const bad of ['D27D666CD88E42B4', '', 'x'.repeat(40), `${elasticKey.fingerprint}0`]) {
    t.is(parseFingerprint(bad), undefined);
  }
  t.is(formatFingerprint(elasticKey.fingerprint), '4609 5ACC 8548 582C 1A26 99A9 D27D 666C D88E 42B4');
});

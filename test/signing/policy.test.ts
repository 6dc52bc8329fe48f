import test from 'ava';
import { elasticKey } from '../../src/signing/pinned-keys.ts';
import { decideSignature, type SignatureFacts, type SignatureRules } from '../../src/signing/policy.ts';

const home = elasticKey.fingerprint;
const foreignKey = 'B'.repeat(40);
const rules = (
  policy: SignatureRules['policy'],
  foreign: SignatureRules['foreign'] = 'serve',
): SignatureRules => ({ policy, foreign, kibanaKey: home });
const none: SignatureFacts = { present: false, armored: false };
const html: SignatureFacts = { present: true, armored: false };
const claimed = (issuer: string): SignatureFacts => ({ present: true, armored: true, issuer });
const good = (fingerprint: string): SignatureFacts => ({
  ...claimed(fingerprint),
  verdict: { state: 'good', fingerprint, signedAt: new Date(0) },
});
const bad: SignatureFacts = {
  ...claimed(home),
  verdict: { state: 'bad', reason: 'the content is not what was signed' },
};

test('off serves everything, and shows only what is armor', (t) => {
  t.deepEqual(decideSignature(rules('off'), none), { served: true, showSignature: false });
  t.deepEqual(decideSignature(rules('off'), html), { served: true, showSignature: false });
  t.deepEqual(decideSignature(rules('off'), claimed(foreignKey)), { served: true, showSignature: true });
});

test('present asks for armor and believes it', (t) => {
  t.deepEqual(decideSignature(rules('present'), none), {
    served: false,
    reason: 'it has no signature, and -require-package-signatures is on (-signature-policy)',
    showSignature: false,
  });
  t.false(decideSignature(rules('present'), html).served);
  t.true(decideSignature(rules('present'), claimed(foreignKey)).served);
  t.true(decideSignature(rules('present'), bad).served);
});

test('verified says until when its answer counts, for a good and for an early signature', (t) => {
  const until = new Date(7000);
  const ending = {
    ...good(home),
    verdict: { state: 'good', fingerprint: home, signedAt: until, until },
  } as const;
  t.deepEqual(decideSignature(rules('verified'), ending), { served: true, showSignature: true, until: 7000 });
  const early = { ...claimed(home), verdict: { state: 'bad', reason: 'of tomorrow', until } } as const;
  t.is(decideSignature(rules('verified'), early).until, 7000);
});

test('verified takes only a good verdict, and says why otherwise', (t) => {
  t.deepEqual(decideSignature(rules('verified'), good(foreignKey)), { served: true, showSignature: true });
  t.deepEqual(decideSignature(rules('verified'), bad), {
    served: false,
    reason: 'signature bad: the content is not what was signed',
    showSignature: false,
  });
  t.false(decideSignature(rules('verified'), none).served);
  t.false(decideSignature(rules('verified'), claimed(home)).served);
});

test('hide shows only signatures by the key that Kibana trusts', (t) => {
  for (const policy of ['off', 'present', 'verified'] as const) {
    t.deepEqual(decideSignature(rules(policy, 'hide'), good(foreignKey)), {
      served: true,
      showSignature: false,
    });
    t.deepEqual(decideSignature(rules(policy, 'hide'), good(home)), { served: true, showSignature: true });
  }
  t.true(decideSignature(rules('present', 'hide'), claimed('D27D666CD88E42B4')).showSignature);
  t.false(decideSignature(rules('present', 'hide'), claimed('AAAAAAAAAAAAAAAA')).showSignature);
  t.false(decideSignature(rules('present', 'hide'), { present: true, armored: true }).showSignature);
});

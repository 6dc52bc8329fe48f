import * as openpgp from 'openpgp';
import type { SignatureVerifier, Signer } from '../../src/signing/signature.ts';

/** A key pair made for one test run; the same bytes always get the same signature. */
export interface TestSigner {
  readonly signer: Signer;
  readonly verifier: SignatureVerifier;
}

const madeAt = new Date('2026-01-01T00:00:00Z');

export const createTestSigner = async (): Promise<TestSigner> => {
  const { privateKey } = await openpgp.generateKey({
    type: 'ecc',
    curve: 'ed25519Legacy',
    userIDs: [{ name: 'Test site' }],
    date: madeAt,
    format: 'object',
  });
  const publicKey = privateKey.toPublic();
  const fingerprint = publicKey.getFingerprint().toUpperCase();
  return {
    signer: {
      fingerprint,
      publicKey: publicKey.armor(),
      async sign(data) {
        const message = await openpgp.createMessage({ binary: bytesOf(data) });
        const config = { nonDeterministicSignaturesViaNotation: false };
        return openpgp.sign({
          message,
          signingKeys: privateKey,
          detached: true,
          date: new Date('2026-01-02T00:00:00Z'),
          config,
        });
      },
    },
    verifier: {
      async verify(data, armoredSignature) {
        const signature = await openpgp.readSignature({ armoredSignature }).catch(() => undefined);
        if (signature === undefined) {
          return { state: 'malformed', reason: 'it is no signature' };
        }
        const message = await openpgp.createMessage({ binary: bytesOf(data) });
        const { signatures } = await openpgp.verify({ message, signature, verificationKeys: publicKey });
        const [first] = signatures;
        const issuer = first?.keyID.toHex().toUpperCase() ?? '';
        if (!fingerprint.endsWith(issuer)) {
          return { state: 'unknown-key', issuer, reason: `signed by ${issuer} which is not in the keyring` };
        }
        const good = await first?.verified.catch(() => false);
        if (good !== true) {
          return { state: 'bad', issuer, reason: 'it was made over other bytes' };
        }
        return { state: 'good', fingerprint, signedAt: new Date('2026-01-02T00:00:00Z') };
      },
    },
  };
};

const bytesOf = (data: Parameters<SignatureVerifier['verify']>[0]): Uint8Array => {
  if (data instanceof Uint8Array) {
    return data;
  }
  throw new Error('the test signer takes bytes only');
};

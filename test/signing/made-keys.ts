import * as openpgp from 'openpgp';

/** A key pair for tests, unlocked. */
export interface MadeKey {
  readonly privateKey: openpgp.PrivateKey;
  readonly publicKey: openpgp.PublicKey;
  readonly armored: string;
  readonly fingerprint: string;
}

/** Makes a key; Ed25519 unless told otherwise, because that takes no time. */
export const makeKey = async (options: Partial<openpgp.KeyOptions> = {}): Promise<MadeKey> => {
  const pair = await openpgp.generateKey({
    type: 'ecc',
    curve: 'ed25519Legacy',
    userIDs: [{ name: 'Test', email: 'test@example.org' }],
    subkeys: [],
    ...options,
    format: 'object',
  });
  const { privateKey, publicKey } = pair as unknown as Pick<MadeKey, 'privateKey' | 'publicKey'>;
  return {
    privateKey,
    publicKey,
    armored: publicKey.armor(),
    fingerprint: publicKey.getFingerprint().toUpperCase(),
  };
};

/** An armored detached signature over `data`. */
export const signWith = async (
  key: MadeKey,
  data: Uint8Array,
  options: { date?: Date; config?: openpgp.PartialConfig } = {},
): Promise<string> =>
  openpgp.sign({
    message: await openpgp.createMessage({ binary: data }),
    signingKeys: key.privateKey,
    detached: true,
    format: 'armored',
    ...options,
  }) as Promise<string>;

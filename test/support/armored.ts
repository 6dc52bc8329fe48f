import { createMessage, generateKey, sign } from 'openpgp';

/** A real armored, detached signature by a key made for it. */
export const signatureOf = async (text: string): Promise<string> => {
  const { privateKey } = await generateKey({
    type: 'ecc',
    curve: 'ed25519Legacy',
    userIDs: [{ name: 'Test', email: 'test@example.org' }],
    format: 'object',
  });
  return sign({ message: await createMessage({ text }), signingKeys: privateKey, detached: true });
};

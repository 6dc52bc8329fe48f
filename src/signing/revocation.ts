import { loadOpenpgp } from './openpgp.ts';
import { readPublicKeys, type PublicKeyInfo } from './public-key.ts';

/**
 * The one of `keys` that a revocation certificate ends, with the revocation in it; undefined where the certificate fits
 * none of them, `not-one` where the bytes are no such certificate. `sign --init` writes one as `NAME.rev.asc`, gpg keeps
 * its own in `openpgp-revocs.d` (with a colon before the armor, which has to go first).
 */
export const applyRevocation = async (
  content: Uint8Array,
  keys: readonly PublicKeyInfo[],
): Promise<PublicKeyInfo | 'not-one' | undefined> => {
  const openpgp = await loadOpenpgp();
  const text = Buffer.from(content).toString('latin1');
  const block = /^-----BEGIN PGP PUBLIC KEY BLOCK-----[^]*?^-----END PGP PUBLIC KEY BLOCK-----/m.exec(
    text,
  )?.[0];
  if (block === undefined || !(await isRevocation(block))) {
    return 'not-one';
  }
  for (const { armored } of keys) {
    const key = await openpgp.readKey({ armoredKey: armored });
    // Throws where the certificate is another key's, or is not signed by this one.
    const revoked = await openpgp
      .revokeKey({ key: key.toPublic(), revocationCertificate: block, format: 'object' })
      .catch(() => undefined);
    if (revoked) {
      const [info] = await readPublicKeys(Buffer.from(revoked.publicKey.armor()), 'revocation');
      return info;
    }
  }
  return undefined;
};

const isRevocation = async (block: string): Promise<boolean> => {
  const openpgp = await loadOpenpgp();
  try {
    const { data } = await openpgp.unarmor(block);
    const bytes: unknown = data;
    const { packets } = await openpgp.readSignature({ binarySignature: bytes as Uint8Array });
    return packets.length === 1 && packets[0]?.signatureType === openpgp.enums.signature.keyRevocation;
  } catch {
    return false;
  }
};

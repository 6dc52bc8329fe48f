import type { Readable } from 'node:stream';

/** Why a signature isn't good. `expired-signature` has its own end date; `expired-key` is made by a key that has ended. */
export type SignatureFault =
  | 'missing'
  | 'malformed'
  | 'bad'
  | 'unknown-key'
  | 'expired-key'
  | 'expired-signature'
  | 'revoked-key'
  | 'weak';

/**
 * What is known of a signature after it was checked. `fingerprint` is the primary key's, 40 (v4) or 64 (v6) upper-case
 * hex digits, even where a subkey signed. Plain data: it is sent between threads as it is.
 */
export type SignatureVerdict =
  | {
      readonly state: 'good';
      readonly fingerprint: string;
      readonly signedAt: Date;
      /** Where the signature has an end of its own. */
      readonly expiresAt?: Date;
      /** When it ends to be good by itself: with the signature, or with the key or subkey that made it. */
      readonly until?: Date;
    }
  | {
      readonly state: SignatureFault;
      /** Issuer as the signature names it: a fingerprint, or a key id of 16 digits. */
      readonly issuer?: string;
      /** One clause for a report: "signed by 0123… which is not in the keyring". */
      readonly reason: string;
      /** When it may become good by itself: key or signature are of a time to come. */
      readonly until?: Date;
    };

/** Content that is read piece by piece, as often as one likes; a piece is good until the next one is asked for. */
export interface PiecedContent {
  pieces(): Iterable<Uint8Array>;
  /** The digest of all pieces and then `tail`, by whoever has the content hashed anyway; `hash` as Node names it. */
  digest?(hash: string, tail: Uint8Array): Buffer;
}

/** Checks detached, ASCII-armored signatures against trusted keys. Kibana's rule holds: the first signature decides. */
export interface SignatureVerifier {
  /**
   * Reads `data` to its end, or destroys it where its content can't matter any more. Never throws for what a
   * signature says; throws DepotError SIGNED_FILE_UNREADABLE where `data` can't be read and KEYRING_INVALID or
   * KEY_INVALID where the keyring can't.
   */
  verify(data: Readable | Uint8Array | PiecedContent, armoredSignature: string): Promise<SignatureVerdict>;
}

/** Makes detached, ASCII-armored signatures with one key. */
export interface Signer {
  /** Upper-case hex digits of the primary key. */
  readonly fingerprint: string;
  /** The public key, armored. */
  readonly publicKey: string;
  /**
   * With `made`, the signature says that time (where the key is older; never the future) and has no salt: RSA and
   * Ed25519 keys then make the same bytes of the same data whenever they are asked.
   */
  sign(data: Readable | Uint8Array, made?: Date): Promise<string>;
}

/** Where a verifier takes its trusted keys from: armored public keys, one for each element. */
export interface KeySource {
  armoredKeys(): Promise<readonly string[]>;
  /** Where they lie, for messages: a path, or "of -flag". */
  readonly location?: string;
}

/** Who signed and when, where a signature is good; else the issuer as it names it. */
export const signerOf = (
  verdict: SignatureVerdict | undefined,
): { readonly signer?: string; readonly signedAt?: Date } => {
  if (verdict?.state === 'good') {
    return { signer: verdict.fingerprint, signedAt: verdict.signedAt };
  }
  return verdict?.issuer === undefined ? {} : { signer: verdict.issuer };
};

/** What is said of a signature that was good until its own end. */
export const expiredReason = (end: Date): string => `the signature itself expired on ${end.toISOString()}`;

/** More than this is no signature: one of RSA-4096 has about 900 characters. */
export const maxSignatureBytes = 64 * 1024;

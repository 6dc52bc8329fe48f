import type { Readable } from 'node:stream';

/** What is known of a signature after it was checked. `fingerprint` is 40 (v4) or 64 (v6) upper-case hex digits. */
export type SignatureVerdict =
  | { readonly state: 'good'; readonly fingerprint: string; readonly signedAt: Date }
  | {
      readonly state:
        | 'missing'
        | 'malformed'
        | 'bad'
        | 'unknown-key'
        | 'expired-key'
        | 'revoked-key'
        | 'weak';
      /** Issuer as the signature names it: a fingerprint, or a key id of 16 digits. */
      readonly issuer?: string;
      /** One clause for a report: "signed by 0123… which is not in the keyring". */
      readonly reason: string;
    };

/** Checks detached, ASCII-armored signatures against trusted keys. Kibana's rule holds: the first signature decides. */
export interface SignatureVerifier {
  verify(data: Readable | Uint8Array, armoredSignature: string): Promise<SignatureVerdict>;
}

/** Makes detached, ASCII-armored signatures with one key. */
export interface Signer {
  readonly fingerprint: string;
  /** The public key, armored. */
  readonly publicKey: string;
  sign(data: Readable | Uint8Array): Promise<string>;
}

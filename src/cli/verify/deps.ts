import type { SignatureVerifier } from '../../signing/signature.ts';
import type { ReadLock } from '../../signing/locked-archive.ts';
import type { VerifiedItem } from '../../signing/verified-archive.ts';
import type { KeyringOptions } from '../keyring-options.ts';

/** What the verb `verify` works with. */
export interface VerifyDeps {
  /** Reads an archive whole; throws DepotError where it is broken or isn't the package that its name says. */
  readonly checkArchive: (path: string) => Promise<void>;
  /** Reads a folder's lock file; throws DepotError where it is broken. Absent: lock files aren't checked. */
  readonly readLock?: (path: string) => Promise<ReadLock>;
  /** Checks what a lock file has besides packages, and of its folder (`all`) what it hasn't; with `readLock` only. */
  readonly verifyFiles?: (
    lockFile: string,
    verifier: SignatureVerifier | undefined,
    scope: 'listed' | 'all',
  ) => Promise<readonly VerifiedItem[]>;
  /**
   * Checks a bundle (a file that is no `.zip`): one item for each of its files, `ok` only for a bundle that may be
   * imported. `note` is told what the reader should know besides. Absent: bundles are refused as unknown.
   */
  readonly verifyBundle?: (
    path: string,
    verifier: SignatureVerifier,
    note: (text: string) => void,
  ) => Promise<readonly VerifiedItem[]>;
  /** Of a depot: an item for its journal where that is broken, and for what in its current snapshot isn't as recorded. */
  readonly verifyDepot?: (depot: string) => Promise<readonly VerifiedItem[]>;
}

/** The flags of `verify`. */
export interface VerifyOptions extends KeyringOptions {
  readonly json?: boolean;
  readonly all?: boolean;
  readonly signatures: boolean;
  readonly acceptExpiredKeys?: boolean;
}

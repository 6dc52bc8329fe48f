import type { SiteKeyAlgorithm } from '../../signing/site-key.ts';
import type { KeyringOptions } from '../keyring-options.ts';
import type { Terminal } from '../terminal.ts';

/** What the verb `sign` works with. */
export interface SignDeps {
  readonly terminal: Terminal;
  /** Reads an archive whole; throws DepotError where it is broken: a broken one is never signed. */
  readonly checkArchive: (path: string) => Promise<void>;
}

/** The flags of `sign`. */
export interface SignOptions extends KeyringOptions {
  readonly key?: string;
  readonly init?: boolean;
  readonly name?: string;
  readonly email?: string;
  readonly algorithm: SiteKeyAlgorithm;
  readonly expires?: number;
  readonly passphrase: boolean;
  readonly passphraseFile?: string;
  readonly public?: boolean;
  readonly resign?: boolean;
  readonly partial?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

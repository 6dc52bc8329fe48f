import type { Command } from 'commander';
import { openBundle, type Bundle } from '../../bundle/bundle.ts';
import type { SignatureVerifier } from '../../signing/signature.ts';
import type { KeyringOptions } from '../keyring-options.ts';
import type { LoadSigner } from '../signer-loader.ts';
import type { CommandIo } from '../verb.ts';

/** What the verb takes from the signing side. */
export interface BundleTools {
  /** The signer of a site key file; its passphrase comes from the file, a variable or the terminal. */
  readonly loadSigner: LoadSigner;
  /** The verifier of the keyring that is named; else of the depot's own, where it has one; else of the user's. */
  loadVerifier(flags: KeyringOptions, io: CommandIo): Promise<SignatureVerifier>;
}

/** The flags that say whom to trust. */
export interface TrustFlags extends KeyringOptions {
  readonly allowUnsigned?: boolean;
  readonly json?: boolean;
}

/** Takes the exit code of a verb. */
export type Finish = (exitCode: number) => void;

/** Adds the flags of `TrustFlags`. */
export const trustOptions = (command: Command): Command =>
  command
    .option('--keyring <path>', 'folder of trusted keys, or one file of them (EPR_KEYRING)')
    .option('--allow-unsigned', 'take a bundle that has no signature')
    .option('--json', 'print the result as JSON');

/** Opens a bundle as the flags say. */
export const openTrusted = async (
  files: readonly string[],
  flags: TrustFlags,
  allowPartial: boolean,
  tools: BundleTools,
  io: CommandIo,
): Promise<Bundle> => {
  const verifier = await tools.loadVerifier(flags, io);
  return openBundle(
    files,
    { verifier, allowUnsigned: flags.allowUnsigned === true, allowPartial },
    io.signal,
  );
};

/** Who vouches, as one clause. When is not said: so that bundles are reproducible, their signatures say no time of their own. */
export const trustLine = ({ trust }: Bundle): string =>
  trust.state === 'unsigned' ? 'NOT SIGNED' : `signed by ${trust.fingerprint}`;

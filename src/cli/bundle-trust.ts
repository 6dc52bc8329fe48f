import type { Command } from 'commander';
import { openBundle, type Bundle } from '../bundle/bundle.ts';
import type { SignatureVerifier, Signer } from '../signing/signature.ts';
import type { CommandIo } from './verb.ts';

/** What the verb takes from the signing side. */
export interface BundleTools {
  /** The signer of a site key file; asks for its passphrase in its own way. */
  loadSigner(keyFile: string, io: CommandIo): Promise<Signer>;
  /** The verifier of a keyring: the folder or file named, else the default one. */
  loadVerifier(keyring: string | undefined, io: CommandIo): Promise<SignatureVerifier>;
}

/** The flags that say whom to trust. */
export interface TrustFlags {
  readonly keyring?: string;
  readonly allowUnsigned?: boolean;
  readonly json?: boolean;
}

/** Takes the exit code of a verb. */
export type Finish = (exitCode: number) => void;

/** Adds the flags of `TrustFlags`. */
export const trustOptions = (command: Command): Command =>
  command
    .option('--keyring <path>', 'trusted keys, instead of the default keyring')
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
  const verifier = await tools.loadVerifier(flags.keyring, io);
  return openBundle(
    files,
    { verifier, allowUnsigned: flags.allowUnsigned === true, allowPartial },
    io.signal,
  );
};

/** Who vouches, as one clause. */
export const trustLine = ({ trust }: Bundle): string =>
  trust.state === 'unsigned'
    ? 'NOT SIGNED'
    : `signed by ${trust.fingerprint} at ${trust.signedAt.toISOString()}`;

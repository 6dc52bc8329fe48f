import type { Config } from '../config/settings.ts';
import type { SignatureTrust } from '../judge/signature.ts';
import type { JudgeRules } from '../judge/task.ts';
import { createKeyring, keyringLocation } from '../signing/keyring.ts';
import { elasticKey } from '../signing/pinned-keys.ts';

/** The rules that packages are judged by. */
export async function judgeRules(config: Config): Promise<JudgeRules> {
  return {
    limits: {
      maxEntries: config.maxEntries,
      maxEntryBytes: config.maxEntrySize,
      maxTotalBytes: config.maxPackageSize,
      maxRatio: config.maxCompressionRatio,
      maxManifestBytes: config.maxManifestSize,
    },
    validate: !config.disablePackageValidation,
    signatures: await signatureTrust(config),
  };
}

/** Keys are read once for each start; those of the keyring count only where signatures are verified. */
async function signatureTrust(config: Config): Promise<SignatureTrust> {
  const policy = config.signaturePolicy ?? (config.requirePackageSignatures ? 'present' : 'off');
  const kibanaKey = config.kibanaKey ?? elasticKey.fingerprint;
  const keys =
    policy === 'verified'
      ? await createKeyring(keyringLocation(config.keyring, process.env)).armoredKeys()
      : [];
  return { policy, foreign: config.foreignSignatures, kibanaKey, keys };
}

import type { Config } from '../config/settings.ts';
import type { JudgeRules } from '../judge/task.ts';
import { createKeyring, keyringLocation, type Keyring } from '../signing/keyring.ts';
import { elasticKey } from '../signing/pinned-keys.ts';

/** The rules that packages are judged by, with the keys of the keyring as it is now where signatures are verified. */
export async function judgeRules(config: Config): Promise<JudgeRules> {
  const rules = rulesWithoutKeys(config);
  return rules.signatures.policy === 'verified'
    ? { ...rules, signatures: { ...rules.signatures, keys: await keyringOf(config).armoredKeys() } }
    : rules;
}

/** The keyring that the settings name. */
export const keyringOf = (config: Config): Keyring =>
  createKeyring(keyringLocation(config.keyring, process.env));

/** The rules that packages are judged by, but for the keys. */
export function rulesWithoutKeys(config: Config): JudgeRules {
  return {
    limits: {
      maxEntries: config.maxEntries,
      maxEntryBytes: config.maxEntrySize,
      maxTotalBytes: config.maxPackageSize,
      maxRatio: config.maxCompressionRatio,
      maxManifestBytes: config.maxManifestSize,
    },
    validate: !config.disablePackageValidation,
    signatures: {
      policy: config.signaturePolicy ?? (config.requirePackageSignatures ? 'present' : 'off'),
      foreign: config.foreignSignatures,
      kibanaKey: config.kibanaKey ?? elasticKey.fingerprint,
      keys: [],
    },
  };
}

import { createArchiveCheck } from './archive-check.ts';
import { checkBundle, createBundleTools } from './bundle-tools.ts';
import { checkDepot } from './depot-check.ts';
import { keyFetch } from './key-client.ts';
import { createKeysVerb } from './keys.ts';
import { createSignVerb } from './sign.ts';
import { createSyncVerb } from './sync.ts';
import { keyringTrust, readLockedArchives } from './sync-trust.ts';
import { processTerminal } from './terminal.ts';
import type { Verb } from './verb.ts';
import { verifyLockedFiles } from './verify-files.ts';
import { createVerifyVerb } from './verify.ts';

const checkArchive = createArchiveCheck();

/** `fleet-depot keys`. */
export const keys: Verb = createKeysVerb({ openFetch: keyFetch, terminal: processTerminal });

/** `fleet-depot sign`. */
export const sign: Verb = createSignVerb({ terminal: processTerminal, checkArchive });

/** `fleet-depot sync`. */
export const sync: Verb = createSyncVerb(keyringTrust, createBundleTools(processTerminal).loadSigner);

/** `fleet-depot verify`. */
export const verify: Verb = createVerifyVerb({
  checkArchive,
  readLock: readLockedArchives,
  verifyFiles: verifyLockedFiles,
  verifyBundle: checkBundle,
  verifyDepot: checkDepot,
});

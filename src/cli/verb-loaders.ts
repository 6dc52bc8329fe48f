import { processTerminal } from './terminal.ts';
import type { Verb } from './verb.ts';

// Verbs that need more than their own code: each loads what it needs only, since a process starts in a third of the time so.

/** `fleet-depot keys`. */
export async function loadKeys(): Promise<Verb> {
  const [{ createKeysVerb }, { keyFetch }] = await Promise.all([
    import('./keys.ts'),
    import('./keys/client.ts'),
  ]);
  return createKeysVerb({ openFetch: keyFetch, terminal: processTerminal });
}

/** `fleet-depot sign`. */
export async function loadSign(): Promise<Verb> {
  const [{ createSignVerb }, { checkArchive }] = await Promise.all([
    import('./sign.ts'),
    import('./archive-check.ts'),
  ]);
  return createSignVerb({ terminal: processTerminal, checkArchive });
}

/** `fleet-depot sync`. */
export async function loadSync(): Promise<Verb> {
  const [{ createSyncVerb }, { keyringTrust }, { signerLoader }] = await Promise.all([
    import('./sync.ts'),
    import('./sync/trust.ts'),
    import('./signer-loader.ts'),
  ]);
  return createSyncVerb(keyringTrust, signerLoader(processTerminal));
}

/** `fleet-depot verify`. */
export async function loadVerify(): Promise<Verb> {
  const [verify, archives, lock, files, bundles, depots] = await Promise.all([
    import('./verify.ts'),
    import('./archive-check.ts'),
    import('./locked-archives.ts'),
    import('./verify/release-files.ts'),
    import('./verify/bundle.ts'),
    import('./verify/depot.ts'),
  ]);
  return verify.createVerifyVerb({
    checkArchive: archives.checkArchive,
    readLock: lock.readLockedArchives,
    verifyFiles: files.verifyLockedFiles,
    verifyBundle: bundles.checkBundle,
    verifyDepot: depots.checkDepot,
  });
}

/** `fleet-depot bundle`. */
export async function loadBundle(): Promise<Verb> {
  const [{ createBundleVerb }, { createBundleTools }] = await Promise.all([
    import('./bundle.ts'),
    import('./bundle/tools.ts'),
  ]);
  return createBundleVerb(createBundleTools(processTerminal));
}

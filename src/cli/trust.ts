import { isatty } from 'node:tty';
import { fetchDirectly } from '../signing/key-fetch.ts';
import { createArchiveCheck } from './archive-check.ts';
import { createKeysVerb } from './keys.ts';
import { createSignVerb } from './sign.ts';
import { createSyncVerb } from './sync.ts';
import { keyringTrust, readLockedArchives } from './sync-trust.ts';
import { createTerminal, type Terminal } from './terminal.ts';
import type { Verb } from './verb.ts';
import { createVerifyVerb } from './verify.ts';

// Nothing of stdin is touched before there is a question.
const processTerminal: Terminal = {
  get interactive() {
    return isatty(0) && isatty(2);
  },
  confirm: (question) => createTerminal(process.stdin, process.stderr).confirm(question),
  secret: (question) => createTerminal(process.stdin, process.stderr).secret(question),
};

const checkArchive = createArchiveCheck();

/** `fleet-depot keys`. */
export const keys: Verb = createKeysVerb({ fetchBytes: fetchDirectly, terminal: processTerminal });

/** `fleet-depot sign`. */
export const sign: Verb = createSignVerb({ terminal: processTerminal, checkArchive });

/** `fleet-depot sync`. */
export const sync: Verb = createSyncVerb(keyringTrust);

/** `fleet-depot verify`. Bundles are checked once `verifyBundle` is handed in. */
export const verify: Verb = createVerifyVerb({ checkArchive, readLock: readLockedArchives });

import { fetchDirectly } from '../signing/key-fetch.ts';
import { createArchiveCheck } from './archive-check.ts';
import { checkBundle } from './bundle-tools.ts';
import { createKeysVerb } from './keys.ts';
import { createSignVerb } from './sign.ts';
import { processTerminal } from './terminal.ts';
import type { Verb } from './verb.ts';
import { createVerifyVerb } from './verify.ts';

const checkArchive = createArchiveCheck();

/** `fleet-depot keys`. */
export const keys: Verb = createKeysVerb({ fetchBytes: fetchDirectly, terminal: processTerminal });

/** `fleet-depot sign`. */
export const sign: Verb = createSignVerb({ terminal: processTerminal, checkArchive });

/** `fleet-depot verify`. Lock files are checked once `readLock` is handed in. */
export const verify: Verb = createVerifyVerb({ checkArchive, verifyBundle: checkBundle });

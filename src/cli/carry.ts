import { createBundleTools } from './bundle-tools.ts';
import { createBundleVerb } from './bundle.ts';
import { createGcVerb } from './gc.ts';
import { createSnapshotVerb } from './snapshot.ts';
import { processTerminal } from './terminal.ts';
import type { Verb } from './verb.ts';

/** `fleet-depot bundle`. */
export const bundle: Verb = createBundleVerb(createBundleTools(processTerminal));

/** `fleet-depot snapshot`. */
export const snapshot: Verb = createSnapshotVerb();

/** `fleet-depot gc`. */
export const gc: Verb = createGcVerb();

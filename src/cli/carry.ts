import { processTerminal } from './terminal.ts';
import type { Verb } from './verb.ts';

// Each verb loads its own code only, as in trust.ts.

/** `fleet-depot bundle`. */
export async function loadBundle(): Promise<Verb> {
  const [{ createBundleVerb }, { createBundleTools }] = await Promise.all([
    import('./bundle.ts'),
    import('./bundle/tools.ts'),
  ]);
  return createBundleVerb(createBundleTools(processTerminal));
}

/** `fleet-depot snapshot`. */
export async function loadSnapshot(): Promise<Verb> {
  return (await import('./snapshot.ts')).createSnapshotVerb();
}

/** `fleet-depot gc`. */
export async function loadGc(): Promise<Verb> {
  return (await import('./gc.ts')).createGcVerb();
}

import { setTimeout } from 'node:timers/promises';

// Far beyond what anything takes on a busy machine: it ends a test that would never end, and measures nothing.
const deadline = 90_000;

/** Asks again and again until the answer is true; throws with `what` when it never is. */
export async function eventually(what: string, ask: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + deadline;
  while (!(await ask())) {
    if (performance.now() > end) {
      throw new Error(`never happened: ${what}`);
    }
    await setTimeout(40);
  }
}

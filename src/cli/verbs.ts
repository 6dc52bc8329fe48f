import type { Command } from 'commander';
import { isFlagOfServe, isHelp } from './flags.ts';
import { loadBundle, loadKeys, loadSign, loadSync, loadVerify } from './verb-loaders.ts';
import type { Verb } from './verb.ts';

/** What the list of verbs shows of one: what stands behind its name, and what it does. */
interface Entry {
  readonly usage: string;
  readonly summary: string;
  load(): Promise<Verb>;
}

/**
 * Every verb by its name, in the order of the help. A new one is a file beside this and a row here. Only the code of the verb
 * that was asked for is loaded, and none for the list of them: all of them take 0.2 s and 30 MB. A test compares usage and
 * summary with what the verb says itself.
 */
export const verbs: Readonly<Record<string, Entry>> = {
  serve: {
    usage: '[options]',
    summary: 'Serve packages to Fleet over the registry API',
    load: async () => (await import('./serve.ts')).serve,
  },
  inspect: {
    usage: '[options] [path...]',
    summary: 'Read packages whole and say what would be served, what not, and why',
    load: async () => (await import('./inspect.ts')).inspect,
  },
  index: {
    usage: '',
    summary: 'Make, check or remove the index that a start reads',
    load: async () => (await import('./index.ts')).index,
  },
  health: {
    usage: '[options] [url]',
    summary: 'Ask a server for its health: exit 0 when it is ready, 1 when not',
    load: async () => (await import('./health.ts')).health,
  },
  keys: { usage: '', summary: 'The keyring: which signers are trusted', load: loadKeys },
  sign: {
    usage: '[options] [path...]',
    summary: 'Make a site key and sign archives with it',
    load: loadSign,
  },
  verify: {
    usage: '[options] <path...>',
    summary: 'Check archives, lock file and signatures',
    load: loadVerify,
  },
  sync: {
    usage: '[options] <distribution>',
    summary: 'Fetch a distribution from a registry into a folder',
    load: loadSync,
  },
  bundle: {
    usage: '',
    summary: 'Carry packages and other files over an air gap in signed bundles',
    load: loadBundle,
  },
  snapshot: {
    usage: '',
    summary: "See a depot's snapshots, go back, pin, label, read and check its journal",
    load: async () => (await import('./snapshot.ts')).snapshot,
  },
  gc: {
    usage: '[options]',
    summary: 'Remove old snapshots and contents that no snapshot has (shows only, until --yes)',
    load: async () => (await import('./gc.ts')).gc,
  },
  artifacts: {
    usage: '',
    summary: 'Check the files that agents download, and who may download them',
    load: async () => (await import('./artifacts.ts')).artifacts,
  },
  plan: {
    usage: '[options]',
    summary: 'Say what an upgrade of the stack needs, in its order: exit 0 when all is here, 1 when not',
    load: async () => (await import('./plan.ts')).plan,
  },
  doctor: {
    usage: '[options] [url]',
    summary: 'Try a server as Kibana, agents and fleet-server do: exit 0 when nothing failed, 1 otherwise',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  image: {
    usage: '[options]',
    summary: 'Make a container image with packages, without a container engine',
    load: async () => (await import('./image.ts')).image,
  },
};

/** The verb that a command line is for: `serve` where it begins with a flag; undefined where it asks for the list. */
const nameIn = ([first = '-h', second]: readonly string[]): string | undefined => {
  if (isHelp(first)) {
    return undefined;
  }
  return isFlagOfServe(first) ? 'serve' : first === 'help' ? second : first;
};

/**
 * Adds the verb that is named to the program: or all of them by name only, for the help, and for a suggestion where there is
 * none of that name.
 */
export const addVerbs = async (
  words: readonly string[],
  program: Command,
  add: (verb: Verb) => void,
): Promise<void> => {
  const name = nameIn(words);
  if (name === 'version') {
    return;
  }
  if (name === 'reference-pages') {
    add((await import('./reference-pages.ts')).referencePages);
    return;
  }
  const named = name !== undefined && Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  if (named) {
    add(await named.load());
    return;
  }
  for (const [verb, { usage, summary }] of Object.entries(verbs)) {
    program.command(`${verb} ${usage}`.trim()).description(summary);
  }
};

import type { Command } from 'commander';
import { openDepot, openOrCreateDepot } from '../depot/depot.ts';
import { labelSnapshot, pinSnapshot, unpinSnapshot } from '../depot/marking.ts';
import { processEnvironment, reporting } from './depot-report.ts';
import { init, marking, rollback, unlabel } from './snapshot/changes.ts';
import { diff, list, show } from './snapshot/listing.ts';
import { log, verify } from './snapshot/proof.ts';
import type { Flags, Run } from './snapshot/run.ts';
import type { Verb } from './verb.ts';

/** `fleet-depot snapshot init|list|show|diff|rollback|pin|unpin|label|unlabel|log|verify`. */
export const createSnapshotVerb = (): Verb => ({
  name: 'snapshot',
  register(program, io, finish) {
    const snapshot = program
      .command('snapshot')
      .description("see a depot's snapshots, go back, pin, label, read and check its journal");
    const add = (usage: string, description: string, run: Run, open = openDepot): Command =>
      snapshot
        .command(usage)
        .description(description)
        .requiredOption('--depot <dir>', 'the depot')
        .option('--json', 'print the result as JSON')
        .action((...given: unknown[]) => {
          // Commander hands over the arguments, then the options, then the command.
          const flags = given.at(-2) as Flags;
          const args = given.slice(0, -2) as (string | undefined)[];
          return reporting(io, finish, async () =>
            run(await open(flags.depot, processEnvironment), flags, args, io),
          );
        });
    add('init', 'make an empty depot, for `sync`; `bundle import` makes its own', init, openOrCreateDepot);
    add('list', 'all snapshots, oldest first', list);
    add('show [snapshot]', 'the files of one (default: current)', show);
    add('diff <a> <b>', 'what b has more, less and other than a', diff);
    add('rollback [snapshot]', 'switch to an earlier one (default: the one before the current)', rollback);
    add('pin <snapshot>', 'gc never removes it', marking(pinSnapshot, 'pinned'));
    add('unpin <snapshot>', 'gc may remove it', marking(unpinSnapshot, 'not pinned any more'));
    add(
      'label <snapshot> <name>',
      'give it a name, which also keeps it from gc',
      marking(labelSnapshot, 'labelled'),
    );
    add('unlabel <name>', 'take a name away', unlabel);
    add('log', 'the journal of all changes', log);
    add('verify', 'check journal, records, folders and every content', verify).option(
      '--accept-journal',
      'after you looked into a broken journal: set it aside and start a new chain',
    );
  },
});

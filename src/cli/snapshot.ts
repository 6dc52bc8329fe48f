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
export const snapshot: Verb = {
  name: 'snapshot',
  register(program, io, finish) {
    const group = program
      .command('snapshot')
      .description("See a depot's snapshots, go back, pin, label, read and check its journal");
    const add = (usage: string, description: string, run: Run, open = openDepot): Command =>
      group
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
    add('init', 'Make an empty depot, for `sync`; `bundle import` makes its own', init, openOrCreateDepot);
    add('list', 'All snapshots, oldest first', list);
    add('show [snapshot]', 'The files of one (default: current)', show);
    add('diff <a> <b>', 'What b has more, less and other than a', diff);
    add('rollback [snapshot]', 'Switch to an earlier one (default: the one before the current)', rollback);
    add('pin <snapshot>', 'Keep it: gc never removes it', marking(pinSnapshot, 'pinned'));
    add('unpin <snapshot>', 'Let gc remove it again', marking(unpinSnapshot, 'not pinned any more'));
    add(
      'label <snapshot> <name>',
      'Give it a name, which also keeps it from gc',
      marking(labelSnapshot, 'labelled'),
    );
    add('unlabel <name>', 'Take a name away', unlabel);
    add('log', 'The journal of all changes', log);
    add('verify', 'Check journal, records, folders and every content', verify).option(
      '--accept-journal',
      'after you looked into a broken journal: set it aside and start a new chain',
    );
  },
};

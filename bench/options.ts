import { parseArgs } from 'node:util';

/** How the bench is run. */
export interface BenchOptions {
  /** Keys of lines, or sizes of the growth table; all of them where empty. */
  readonly lines: readonly string[];
  /** The growth table instead of the lines. */
  readonly grow: boolean;
  /** Each measure is the median of this many. */
  readonly rounds: number;
  /** Length of one round of load. */
  readonly seconds: number;
  /** File for the results as JSON. */
  readonly json: string | undefined;
  /** Folder of real packages as zips. */
  readonly corpus: string | undefined;
  /** Puts the table into docs/benchmarks.md. */
  readonly writeDocs: boolean;
  readonly help: boolean;
}

export const usage = `npm run bench -- [LINES…] [options]        the table of promises, beside the yardsticks
npm run bench -- grow [SIZES…] [options]   how cost grows from 1,000 to 50,000 package versions

  --rounds N      rounds of each line, whose median counts (3)
  --seconds S     seconds of load in a round (3)
  --corpus DIR    folder of packages as zips (../shared/corpus is unpacked where it is there)
  --json FILE     also write the results there
  --write-docs    also put the table into docs/benchmarks.md

Needs wrk, nginx and curl on the path; lines that miss theirs are left out. All load goes to this machine.
`;

/** Reads the words behind `npm run bench --`. Throws an error that says which one is wrong. */
export function readOptions(words: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '3' },
      json: { type: 'string' },
      corpus: { type: 'string' },
      'write-docs': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const grow = positionals[0] === 'grow';
  return {
    lines: grow ? positionals.slice(1) : positionals,
    grow,
    rounds: readCount('rounds', values.rounds, 99),
    seconds: readCount('seconds', values.seconds, 120),
    json: values.json,
    corpus: values.corpus,
    writeDocs: values['write-docs'],
    help: values.help,
  };
}

function readCount(name: string, text: string, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new Error(`--${name} takes a whole number from 1 to ${most}, not ${text}`);
  }
  return value;
}

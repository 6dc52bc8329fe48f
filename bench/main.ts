import { writeFile } from 'node:fs/promises';
import { chooseLines } from './choose-lines.ts';
import { findCorpus } from './corpus.ts';
import { isMet } from './finding.ts';
import { growthRemarks, growthTable } from './grow/growth-table.ts';
import { chooseSizes, measureGrowth } from './grow/growth.ts';
import { describeBusyness, describeMachine } from './machine.ts';
import { measureLines } from './measure.ts';
import { readOptions, usage, type BenchOptions } from './options.ts';
import { writeSection } from './page.ts';
import { createStage, keptFolder, type Stage } from './stage.ts';
import { findingsTable, remarks, terminalTable, type TextTable } from './table.ts';

/** What a run ends with. */
interface Outcome {
  readonly section: string;
  readonly results: readonly object[];
  readonly table: TextTable;
  readonly remarks: readonly string[];
  readonly broken: number;
}

const note = (text: string): void => void process.stderr.write(`${text}\n`);

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(usage);
    return 0;
  }
  if (options.writeDocs && options.lines.length > 0) {
    throw new Error('--write-docs takes the whole table: name no lines');
  }
  // A wrong word is told before minutes are spent.
  if (options.grow) {
    chooseSizes(options.lines);
  } else {
    chooseLines(options.lines);
  }
  const corpus = await findCorpus(options.corpus, keptFolder, note);
  if (!corpus) {
    note('nothing is measured: there are no packages; name a folder of zips with --corpus DIR');
    return 0;
  }
  const busyness = describeBusyness();
  busyness.forEach(note);
  const stage = await createStage(options, corpus, note);
  const leave = (): void => void stage.close().finally(() => process.exit(130));
  process.once('SIGINT', leave).once('SIGTERM', leave);
  try {
    const outcome = await (options.grow ? growth(stage) : lines(stage));
    return await report(options, { ...outcome, remarks: [...busyness, ...outcome.remarks] });
  } finally {
    await stage.close();
  }
}

async function lines(stage: Stage): Promise<Outcome> {
  const { findings, broken } = await measureLines(stage);
  return {
    section: 'table',
    results: findings.map((finding) => ({ ...finding, met: isMet(finding) })),
    table: findingsTable(findings),
    remarks: remarks(findings),
    broken,
  };
}

async function growth(stage: Stage): Promise<Outcome> {
  const results = await measureGrowth(stage);
  return {
    section: 'growth',
    results,
    table: growthTable(results),
    remarks: growthRemarks(results),
    broken: 0,
  };
}

async function report(options: BenchOptions, outcome: Outcome): Promise<number> {
  process.stdout.write(`\n${describeMachine()}\n${terminalTable(outcome.table)}`);
  process.stdout.write(outcome.remarks.map((remark) => `${remark}\n`).join(''));
  if (options.json !== undefined) {
    const { section, results } = outcome;
    const { rounds, seconds } = options;
    const machine = describeMachine();
    await writeFile(
      options.json,
      `${JSON.stringify({ machine, rounds, seconds, [section]: results }, null, 2)}\n`,
    );
  }
  if (options.writeDocs) {
    await writeSection(outcome.section, outcome.table, outcome.remarks);
  }
  return outcome.broken === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  note(`error: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}

import { Command, CommanderError, Help } from 'commander';
import { DepotError, messageOf } from '../domain/errors.ts';
import { systemWords } from '../domain/system-error.ts';
import { version } from '../version.ts';
import { addExamples } from './examples.ts';
import { rewriteArguments } from './flags.ts';
import { exitCodes, type CommandIo } from './verb.ts';
import { addVerbs } from './verbs.ts';

const examples = `
Examples:
  fleet-depot serve                                     packages/ on http://localhost:8080
  fleet-depot serve -address :8080 -package-paths /srv/packages
  fleet-depot serve -tls-cert depot.crt -tls-key depot.key -tls-min-version 1.2
  fleet-depot inspect /srv/packages                     what would be served, what not, and why
  fleet-depot health                                    ask the server of this machine

Flags have one dash or two. Every flag of serve is also a variable: -tls-cert is EPR_TLS_CERT. A flag beats the variable, the variable beats config.yml.
Exit codes: 0 done, 1 failed, 2 wrong flags or settings, 3 partly done.`;

/**
 * Runs one command line and resolves with its exit code. Nothing is thrown: what goes wrong is printed, and with --json it is
 * the answer on stdout as well, so that a script always reads one document.
 */
export const runProgram = async (words: readonly string[], io: CommandIo): Promise<number> => {
  let exitCode: number = exitCodes.ok;
  try {
    const finish = (code: number): void => {
      exitCode = code;
    };
    const program = createProgram(io, finish);
    await addVerbs(words, program, (verb) => verb.register(program, io, finish));
    addExamples(program);
    await program.parseAsync(rewriteArguments(words, program), { from: 'user' });
  } catch (thrown) {
    const error = nameOf(thrown);
    exitCode = report(error, io);
    const behind = words.indexOf('--');
    const asksJson = words.some(
      (word, index) => /^--?json(?:=true)?$/.test(word) && (behind < 0 || index < behind),
    );
    if (asksJson && exitCode !== exitCodes.ok) {
      io.stdout.write(`${JSON.stringify({ error: failureOf(error) }, undefined, 2)}\n`);
    }
  }
  return exitCode;
};

const createProgram = (io: CommandIo, finish: (exitCode: number) => void): Command => {
  const program = new Command('fleet-depot')
    .description('The package registry for Elastic Fleet behind an air gap.')
    .usage('VERB [flags]')
    .exitOverride()
    .allowExcessArguments(false)
    .showSuggestionAfterError(true)
    .addHelpText('after', examples)
    .configureHelp({
      helpWidth: 110,
      // Flags are shown as the reference and its guides write them.
      optionTerm: (option) => option.flags.replace('--', '-').replace(' [boolean]', ''),
      optionDescription: (option) =>
        new Help()
          .optionDescription(option)
          .replace(' (default: [])', '')
          .replace(/\(default: "?(.*?)"?\)$/, '(default $1)'),
    })
    .helpOption('-h, --help', 'Show this help')
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
  program
    .command('version')
    .description('Print the version')
    .action(() => {
      io.stdout.write(`${version}\n`);
      finish(exitCodes.ok);
    });
  return program;
};

const usageCodes = new Set([
  'USAGE',
  'SETTING_INVALID',
  'VALUE_INVALID',
  'DEFINITION_INVALID',
  'DEFINITION_UNKNOWN',
  'PROXY_INVALID',
]);

/** What went wrong, for programs. */
const failureOf = (error: unknown): { code: string; message: string; advice?: string } => {
  if (error instanceof DepotError) {
    const { code, message, advice } = error;
    return { code, message, advice };
  }
  return error instanceof CommanderError
    ? { code: 'USAGE', message: error.message.replace(/^error: /, '') }
    : { code: 'INTERNAL', message: messageOf(error) };
};

/**
 * Code that a verb needs and that isn't there, as where only half of it was copied, is no fault of the program's own; neither is
 * what a disk answers, wherever it came up.
 */
const nameOf = (error: unknown): unknown => {
  const { code, path = 'a file' } = (error ?? {}) as NodeJS.ErrnoException;
  if (code === 'ERR_MODULE_NOT_FOUND') {
    return new DepotError('PROGRAM_NOT_WHOLE', { reason: messageOf(error) }, error);
  }
  const reason = error instanceof DepotError ? undefined : systemWords(error);
  return reason === undefined ? error : new DepotError('FILE_FAILED', { file: path, reason }, error);
};

const report = (error: unknown, io: CommandIo): number => {
  if (error instanceof CommanderError) {
    // commander has printed its text already; help that was asked for is no error.
    if (error.code === 'commander.excessArguments') {
      io.stderr.write(
        'Folders stand behind their flag (-package-paths DIR, --depot DIR), the value of a boolean flag behind `=` (-strict=false).\n',
      );
    }
    if (error.exitCode !== 0 && error.code !== 'commander.help') {
      io.stderr.write('`fleet-depot --help` lists the verbs, `fleet-depot VERB --help` their flags.\n');
    }
    return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  }
  if (error instanceof DepotError) {
    const isUsage = usageCodes.has(error.code);
    // A wrong setting is one line: it names the flag and the variable, more would only hide them.
    io.stderr.write(
      `error: ${error.message}\n${error.code.startsWith('SETTING') || error.code.startsWith('VALUE') ? '' : `${error.advice}\n`}`,
    );
    return isUsage ? exitCodes.usage : exitCodes.failed;
  }
  io.stderr.write(`error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return exitCodes.failed;
};

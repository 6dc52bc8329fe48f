import { Option, type Command } from 'commander';
import { sections, variableOf, type Section, type Setting } from '../config/setting.ts';
import { settingRows } from '../config/settings.ts';

/** Adds the settings of the table to a command, grouped as the table is: all of them, or those of some groups. */
export const addSettings = (
  command: Command,
  groups: readonly Section[] = Object.keys(sections) as Section[],
): Command => {
  for (const [, row] of settingRows) {
    if (groups.includes(row.section)) {
      command.addOption(optionOf(row));
    }
  }
  return command;
};

const optionOf = (row: Setting<unknown>): Option => {
  const value = row.kind.isBoolean === true ? '[boolean]' : `<${row.kind.placeholder}>`;
  const shown = row.default === undefined || row.default === '' ? '' : `default ${row.default}, `;
  return new Option(`--${row.flag} ${value}`, `${row.help} (${shown}${variableOf(row.flag)})`).helpGroup(
    `${sections[row.section]}:`,
  );
};

/** The flags that were given to a command that has `addSettings`, as text by flag name, for `loadConfig`. */
export const givenFlags = (command: Command): ReadonlyMap<string, string> => {
  const given = new Map<string, string>();
  for (const option of command.options) {
    const key = option.attributeName();
    if (option.long !== undefined && command.getOptionValueSource(key) === 'cli') {
      given.set(option.long.slice(2), String(command.getOptionValue(key)));
    }
  }
  return given;
};

/** Whether a command line asks for the help. */
export const isHelp = (word: string): boolean => /^--?h(?:elp)?$/.test(word);

/** Whether a command line that begins so names no verb, and is for `serve`. */
export const isFlagOfServe = (first: string): boolean => first.startsWith('-') && !isHelp(first);

/**
 * Go's way of flags for commander: `-flag value`, `-flag=value` and `--flag=value` are the same, a boolean flag alone is true and
 * never takes the next word. What starts with a dash and names no verb goes to `serve`, as the reference has no verbs:
 * `docker run image -address 0.0.0.0:8080`.
 */
export const rewriteArguments = (words: readonly string[], program: Command): string[] => {
  const rest = [...words];
  const first = rest[0];
  if (first !== undefined && isFlagOfServe(first)) {
    rest.unshift('serve');
  }
  const written: string[] = [];
  let command = program;
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') {
      return [...written, word, ...rest];
    }
    const match = /^--?([a-z][\w-]+)(=[^]*)?$/i.exec(word);
    if (match === null) {
      command = command.commands.find((sub) => sub.name() === word) ?? command;
      written.push(word);
      continue;
    }
    const [, name = '', value] = match;
    const option = command.options.find(({ long }) => long === `--${name}`);
    const said = booleanFlag(name, value, command.options);
    if (said !== undefined) {
      written.push(...said);
    } else if (option === undefined) {
      // commander suggests what may have been meant where the value stands apart.
      written.push(`--${name}`, ...(value === undefined ? [] : [value.slice(1)]));
    } else if (value !== undefined || (!option.required && !option.optional)) {
      written.push(`--${name}${value ?? ''}`);
    } else if (option.optional) {
      written.push(`--${name}=true`);
    } else {
      const next = rest.shift();
      written.push(next === undefined ? `--${name}` : `--${name}=${next}`);
    }
  }
  return written;
};

/**
 * A flag of commander that takes no value, said as in Go: `-json=true`, `-json=false`, and `-require-signature=false` for a
 * flag `--no-require-signature`. Undefined for everything else.
 */
const booleanFlag = (
  name: string,
  value: string | undefined,
  options: readonly Option[],
): readonly string[] | undefined => {
  const find = (long: string): Option | undefined =>
    options.find((one) => one.long === long && !one.required && !one.optional);
  const truth = value === undefined ? true : { '=true': true, '=false': false }[value];
  if (truth === undefined) {
    return undefined;
  }
  const opposite = find(`--no-${name}`);
  if (opposite) {
    return truth ? [] : [`--no-${name}`];
  }
  return value !== undefined && find(`--${name}`) ? (truth ? [`--${name}`] : []) : undefined;
};

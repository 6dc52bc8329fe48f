import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sections, variableOf, type Setting } from '../config/setting.ts';
import { settingRows } from '../config/settings.ts';
import { errorCatalogue } from '../domain/errors.ts';
import { exitCodes, type Verb } from './verb.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

const row = (setting: Setting<unknown>): string => {
  const names = [`\`-${setting.flag}\``, `\`${variableOf(setting.flag)}\``];
  if (setting.secret === true) {
    names.push(`\`${variableOf(setting.flag)}_FILE\``);
  }
  if (setting.fileKey !== undefined) {
    names.push(`\`${setting.fileKey}\` in config.yml`);
  }
  const value = setting.default === undefined || setting.default === '' ? '–' : `\`${setting.default}\``;
  return `| ${names.join('<br>')} | ${cell(setting.help)} | ${cell(setting.kind.form)} | ${value} |`;
};

/** docs/configuration.md, from the table of settings. */
export const configurationPage = (): string => {
  const parts = Object.entries(sections).flatMap(([section, title]) => {
    const rows = settingRows
      .filter(([, setting]) => setting.section === section)
      .map(([, setting]) => row(setting));
    return rows.length === 0
      ? []
      : [
          `## ${title}\n\n| names | meaning | form | default |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`,
        ];
  });
  return `# Configuration

This page is generated from the table of settings (\`npm run docs\`); a test keeps it right.

A setting is a flag of \`fleet-depot serve\`, an environment variable, and for some a key of the configuration file. A flag beats the
variable, the variable beats the file, the file beats the default. Flags are written \`-flag value\`, \`-flag=value\` or \`--flag\`; a boolean
flag alone means true, \`-flag=false\` turns it off. An empty variable counts as absent. The file is \`config.yml\` in the working
directory, or what \`-config\` names. A value that is wrong ends the start with exit code 2 and one line for each problem, which
names the flag and the variable.

${parts.join('\n')}`;
};

/** docs/errors.md, from the catalogue of errors. */
export const errorsPage = (): string => {
  const rows = Object.entries(errorCatalogue).map(
    ([code, kind]) => `| \`${code}\` | ${kind.status} | ${cell(kind.message)} | ${cell(kind.advice)} |`,
  );
  return `# Errors

This page is generated from the catalogue of errors (\`npm run docs\`); a test keeps it right. The status is the one of HTTP where the
error ends a request. Words in braces are filled in.

| code | status | message | what to do |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
};

/** A hidden verb for development: writes the pages that are made from tables. */
export const referencePages: Verb = {
  name: 'reference-pages',
  register: (program, _io, finish) => {
    program
      .command('reference-pages', { hidden: true })
      .argument('<folder>')
      .description('Write configuration.md and errors.md')
      .action(async (folder: string) => {
        await mkdir(folder, { recursive: true });
        await writeFile(join(folder, 'configuration.md'), configurationPage());
        await writeFile(join(folder, 'errors.md'), errorsPage());
        finish(exitCodes.ok);
      });
  },
};

import { readFileSync } from 'node:fs';
import { DepotError, messageOf } from '../domain/errors.ts';
import { readConfigFile, type FileValues } from './file.ts';
import { duration } from './kinds.ts';
import { nameOf, variableOf, type Setting } from './setting.ts';
import { settingRows, settings, type Config, type SettingKey } from './settings.ts';
import { problemsOf, warningsOf } from './rules.ts';

/** Where values come from. */
export interface ConfigSources {
  readonly env: NodeJS.ProcessEnv;
  /** Texts of the flags that were given, by flag name without dashes; a flag without a value is `true`. */
  readonly flags: ReadonlyMap<string, string>;
  /** Reads the files that are named, where they lie elsewhere than on this machine; throws as Node does (ENOENT). */
  readonly readText?: (path: string) => string;
}

/** The outcome: everything is good, or all that is wrong, one error (and one line) for each problem. */
export type LoadedConfig =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly DepotError[] };

/**
 * Puts the settings together: default, beaten by the configuration file, by the `EPR_` variable (or for a secret the file that
 * the variable with `_FILE` names), by the flag. An empty variable counts as absent, because compose files pass such on;
 * an empty flag takes a value back.
 */
export const loadConfig = (sources: ConfigSources): LoadedConfig => {
  const problems: DepotError[] = [];
  const readText = sources.readText ?? ((path) => readFileSync(path, 'utf8'));
  const refuse = (row: Setting<unknown>, reason: string): void => {
    problems.push(new DepotError('SETTING_INVALID', { ...nameOf(row), reason }));
  };
  const attempt = <T>(row: Setting<unknown>, read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof DepotError)) {
        throw error;
      }
      refuse(row, error.message);
      return undefined;
    }
  };

  const fileName = sources.flags.get('config') || sources.env[variableOf('config')] || undefined;
  const file = attempt(settings.config, () =>
    readConfigFile(fileName ?? 'config.yml', fileName === undefined, readText),
  );
  const values: Partial<Record<SettingKey, unknown>> = {};
  for (const [key, row] of settingRows) {
    values[key] = attempt(row, () => readSetting(row, { ...sources, readText }, file));
  }
  const config = Object.freeze(values) as Config;
  problems.push(...problemsOf(config));
  return problems.length > 0
    ? { ok: false, problems }
    : {
        ok: true,
        config,
        warnings: [
          ...unknownKeys(fileName ?? 'config.yml', file),
          ...unknownVariables(sources.env),
          ...warningsOf(config),
        ],
      };
};

const readSetting = (
  row: Setting<unknown>,
  sources: Required<ConfigSources>,
  file: FileValues | undefined,
): unknown => {
  const flag = sources.flags.get(row.flag);
  if (flag !== undefined) {
    return parse(row, flag, '');
  }
  const variable = sources.env[variableOf(row.flag)];
  if (variable) {
    return parse(row, variable, '');
  }
  const secretFile = row.secret === true ? sources.env[`${variableOf(row.flag)}_FILE`] : undefined;
  if (secretFile) {
    return parse(row, readSecret(row, secretFile, sources.readText), '');
  }
  const inFile = row.fileKey === undefined ? undefined : file?.get(row.fileKey);
  if (inFile !== undefined) {
    return parse(row, asSeconds(row, inFile), `${row.fileKey} in the configuration file: `);
  }
  return row.default === undefined ? undefined : parse(row, row.default, '');
};

/** In its configuration file the reference reads a bare number as seconds where a duration is wanted; elsewhere it doesn't. */
const asSeconds = (row: Setting<unknown>, value: string | readonly string[]): string | readonly string[] =>
  row.kind === duration && typeof value === 'string' && /^\d+(?:\.\d+)?$/.test(value) ? `${value}s` : value;

const parse = (row: Setting<unknown>, text: string | readonly string[], origin: string): unknown => {
  if (typeof text !== 'string') {
    if (row.kind.isList !== true) {
      throw new DepotError('VALUE_INVALID', { reason: `${origin}has a list, one value is wanted` });
    }
    return text.flatMap((one) => row.kind.parse(one) as readonly unknown[]);
  }
  if (text === '' && row.default === undefined) {
    return undefined;
  }
  if (text === '' && row.default !== '') {
    throw new DepotError('VALUE_INVALID', { reason: `${origin}the value is empty` });
  }
  try {
    return row.kind.parse(text);
  } catch (error) {
    // What was read from a secret is never repeated in a message.
    const reason = row.secret === true ? 'the value has a wrong form' : (error as DepotError).message;
    throw new DepotError('VALUE_INVALID', { reason: `${origin}${reason}` });
  }
};

const readSecret = (row: Setting<unknown>, path: string, readText: (path: string) => string): string => {
  try {
    return readText(path).replace(/\r?\n$/, '');
  } catch (error) {
    throw new DepotError('VALUE_INVALID', {
      reason: `${variableOf(row.flag)}_FILE: ${path} cannot be read: ${messageOf(error)}`,
    });
  }
};

const unknownKeys = (path: string, file: FileValues | undefined): string[] => {
  const known = new Set(settingRows.map(([, row]) => row.fileKey));
  return [...(file?.keys() ?? [])]
    .filter((key) => !known.has(key))
    .map((key) => `${path}: ${key} is no setting and is ignored; docs/configuration.md lists the keys`);
};

/** Kubernetes sets such for a service that is called `epr`. */
const serviceLink = /^EPR_(?:.+_)?(?:SERVICE_HOST|SERVICE_PORT|PORT)(?:_|$)/;

const unknownVariables = (env: NodeJS.ProcessEnv): string[] => {
  const known = new Set(
    settingRows.flatMap(([, row]) => [variableOf(row.flag), `${variableOf(row.flag)}_FILE`]),
  );
  return Object.keys(env)
    .filter((name) => name.startsWith('EPR_') && !known.has(name) && !serviceLink.test(name))
    .toSorted()
    .map((name) => `${name} is no setting and is ignored; docs/configuration.md lists the variables`);
};

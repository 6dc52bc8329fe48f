import { FAILSAFE_SCHEMA, load, YAMLException } from 'js-yaml';
import { DepotError, messageOf } from '../domain/errors.ts';

/** Values of a configuration file as text, by dotted key (`cache_time.index`). */
export type FileValues = ReadonlyMap<string, string | readonly string[]>;

const maxFileBytes = 1 << 20;

/**
 * Reads a configuration file. Every scalar stays text, because the table of settings knows how to read it; nested and dotted keys
 * are the same, as in the reference. Undefined where there is no such file and `mayBeAbsent`.
 * Throws DepotError VALUE_INVALID with the file's name and line.
 */
export const readConfigFile = (
  path: string,
  mayBeAbsent: boolean,
  readText: (path: string) => string,
): FileValues | undefined => {
  const refuse = (reason: string): never => {
    throw new DepotError('VALUE_INVALID', { reason: `${path}: ${reason}` });
  };
  let text: string;
  try {
    text = readText(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return code === 'ENOENT' && mayBeAbsent ? undefined : refuse(`cannot be read: ${messageOf(error)}`);
  }
  if (text.length > maxFileBytes) {
    return refuse('is above 1 MiB, that is no configuration file');
  }
  const values = new Map<string, string | readonly string[]>();
  const add = (prefix: string, tree: unknown): void => {
    if (typeof tree === 'string') {
      values.set(prefix, tree);
    } else if (Array.isArray(tree) && tree.every((item) => typeof item === 'string')) {
      values.set(prefix, tree);
    } else if (typeof tree === 'object' && tree !== null && !Array.isArray(tree)) {
      for (const [key, value] of Object.entries(tree)) {
        add(prefix === '' ? key : `${prefix}.${key}`, value);
      }
    } else {
      refuse(`${prefix} has a list of something else than texts`);
    }
  };
  const tree = parseYaml(text, refuse);
  if (typeof tree === 'string' || Array.isArray(tree)) {
    return tree === '' ? values : refuse('has no keys');
  }
  add('', tree ?? {});
  return values;
};

const parseYaml = (text: string, refuse: (reason: string) => never): unknown => {
  try {
    return text.replace(/^\s*#.*$/gm, '').trim() === ''
      ? {}
      : load(text, { schema: FAILSAFE_SCHEMA, maxAliases: 0 });
  } catch (error) {
    return error instanceof YAMLException
      ? refuse(`line ${(error.mark?.line ?? 0) + 1}: ${error.reason}`)
      : refuse('is no YAML');
  }
};

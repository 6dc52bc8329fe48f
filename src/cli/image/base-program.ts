import path from 'node:path';
import { Command, CommanderError } from 'commander';
import { loadConfig } from '../../config/load.ts';
import type { Config } from '../../config/settings.ts';
import type { BaseTree } from '../../image/base-tree.ts';
import type { ImageConfig } from '../../image/image-config.ts';
import { asObject, asTexts, parseJson } from '../../domain/json-tree.ts';
import { describeProgram, judgingDigestFile } from '../../index/index-origin.ts';
import { addSettings, givenFlags, rewriteArguments } from '../flags.ts';

/** How an image starts the server. */
export interface BaseProgram {
  /** Folder of the program in the image. */
  readonly root: string;
  /** Folder that it is started in. */
  readonly folder: string;
  readonly flags: ReadonlyMap<string, string>;
  readonly env: NodeJS.ProcessEnv;
  /** Where its configuration file is, if it has one. */
  readonly configFile: string;
}

const starter = /^(?<root>\/.+)\/bin\/fleet-depot\.js$/;

/** Reads it from an image's config; undefined where the image doesn't start `fleet-depot serve`. */
export const findProgram = ({ tree }: ImageConfig, env: readonly string[]): BaseProgram | undefined => {
  const settings = asObject(tree['config']) ?? {};
  const words = [...(asTexts(settings['Entrypoint']) ?? []), ...(asTexts(settings['Cmd']) ?? [])];
  const at = words.findIndex((word) => starter.test(word));
  const root = starter.exec(words[at] ?? '')?.groups?.['root'];
  const flags = root === undefined ? undefined : flagsOf(words.slice(at + 1));
  if (root === undefined || flags === undefined) {
    return undefined;
  }
  const variables = Object.fromEntries(
    env
      .map((line): [string, string] => {
        const end = line.indexOf('=');
        return [line.slice(0, end), line.slice(end + 1)];
      })
      // Secrets come with the container; nothing of the index depends on them.
      .filter(([name]) => !name.endsWith('_FILE')),
  );
  const { WorkingDir: workingDir } = settings;
  const folder = path.posix.resolve('/', typeof workingDir === 'string' ? workingDir : '');
  const named = flags.get('config') || variables['EPR_CONFIG'] || 'config.yml';
  return { root, folder, flags, env: variables, configFile: path.posix.resolve(folder, named) };
};

/** The flags behind `serve`; undefined for another verb, and for what is no command line. */
const flagsOf = (words: readonly string[]): ReadonlyMap<string, string> | undefined => {
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  const serve = program.command('serve').exitOverride().allowExcessArguments(false);
  serve.configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
  let isServe = false;
  addSettings(serve).action(() => {
    isServe = true;
  });
  try {
    program.parse(rewriteArguments(words, program), { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      return undefined;
    }
    throw error;
  }
  return isServe ? givenFlags(serve) : undefined;
};

const maxSourceBytes = 1 << 20;

/** How many bytes of a file are wanted to know what the program is, and its settings. */
export const wantedOf = ({ root, configFile }: BaseProgram, file: string): number =>
  file === configFile || file === `${root}/package.json` || file === digestOf(root) ? maxSourceBytes : 0;

const digestOf = (root: string): string => `${root}/dist/${judgingDigestFile}`;

/** What the program calls itself in an index, as it would itself; undefined where its files are not there. */
export const describeBase = ({ root }: BaseProgram, { files }: BaseTree): string | undefined => {
  const { version } = asObject(parseJson(files.get(`${root}/package.json`)?.toString() ?? '')) ?? {};
  const digest = files.get(digestOf(root))?.toString();
  return typeof version === 'string' && digest !== undefined ? describeProgram(version, digest) : undefined;
};

/** The settings that the server of the image would have, or the first that is wrong with them. */
export const settingsOf = (
  { flags, env, folder }: BaseProgram,
  { files }: BaseTree,
): Config | { readonly reason: string } => {
  const readText = (name: string): string => {
    const content = files.get(path.posix.resolve(folder, name));
    if (!content) {
      throw Object.assign(new Error(`${name} is not in the image`), { code: 'ENOENT' });
    }
    return content.toString();
  };
  const loaded = loadConfig({ env, flags, readText });
  if (loaded.ok) {
    return loaded.config;
  }
  const problem = loaded.problems[0]?.message ?? 'its settings are wrong';
  return {
    reason: `unless the container changes it, the server won't start with the settings of the image: ${problem}`,
  };
};

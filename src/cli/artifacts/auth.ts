import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import {
  credentialName,
  makeCredential,
  readCredentials,
  writeCredentials,
  type Credential,
} from '../../artifacts/credential-file.ts';
import { DepotError, messageOf } from '../../domain/errors.ts';
import { environmentConfig } from '../environment-config.ts';
import { createOutput } from '../output.ts';
import { exitCodes, type CommandIo } from '../verb.ts';

interface AuthOptions {
  readonly file?: string;
  readonly apiKey?: boolean;
  readonly passwordFile?: string;
}

/** Adds `fleet-depot artifacts auth add|remove|list`. */
export const addArtifactsAuth = (
  parent: Command,
  io: CommandIo,
  finish: (exitCode: number) => void,
): void => {
  const auth = parent.command('auth').description('Credentials that clients of artifacts must show');
  const verb = (name: string, description: string): Command =>
    auth
      .command(name)
      .description(description)
      .option('--file <path>', 'credential file; EPR_ARTIFACTS_AUTH_FILE where left out');
  verb('add', 'Add a user or an API key, or give it a new secret; a secret that is made is printed once')
    .argument('<name>', 'name of the user or key')
    .option('--api-key', 'an API key for `Authorization: ApiKey` instead of a user with a password')
    .option('--password-file <path>', 'take the password from this file instead of making one')
    .action(async (name: string, options: AuthOptions) => {
      await add(name, options, io);
      finish(exitCodes.ok);
    });
  verb('remove', 'Remove a user or an API key')
    .argument('<name>', 'name of the user or key')
    .action(async (name: string, options: AuthOptions) => {
      const file = fileOf(options, io);
      const credentials = await readCredentials(file);
      const left = credentials.filter((one) => one.name !== name);
      if (left.length === credentials.length) {
        throw new DepotError('USAGE', { reason: `${file} has nobody called '${name}'` });
      }
      await writeCredentials(file, left);
      createOutput(io).note(`removed ${name}; a running server knows within seconds`);
      finish(exitCodes.ok);
    });
  verb('list', 'List names; secrets are kept nowhere').action(async (options: AuthOptions) => {
    const credentials = await readCredentials(fileOf(options, io));
    createOutput(io).table(
      ['name', 'kind', 'added'],
      credentials.map(({ name, scheme, added }) => [name, scheme === 'basic' ? 'user' : 'API key', added]),
    );
    finish(exitCodes.ok);
  });
};

const fileOf = (options: AuthOptions, io: CommandIo): string => {
  const file =
    options.file ?? io.env['EPR_ARTIFACTS_AUTH_FILE'] ?? environmentConfig(io.env).artifactsAuthFile;
  if (file === undefined) {
    throw new DepotError('USAGE', {
      reason: 'name the credential file with --file, or set EPR_ARTIFACTS_AUTH_FILE',
    });
  }
  return file;
};

const add = async (name: string, options: AuthOptions, io: CommandIo): Promise<void> => {
  if (!credentialName.test(name)) {
    throw new DepotError('USAGE', {
      reason: `'${name}' is no name: letters, digits and . _ - @, at most 64`,
    });
  }
  const file = fileOf(options, io);
  const present: readonly Credential[] = existsSync(file) ? await readCredentials(file) : [];
  const scheme = options.apiKey === true ? 'apikey' : 'basic';
  const isMade = options.passwordFile === undefined;
  const secret = isMade
    ? randomBytes(24).toString('base64url')
    : await readPassword(options.passwordFile ?? '');
  const made = await makeCredential(name, scheme, secret, new Date());
  await writeCredentials(file, [
    ...present.filter((one) => one.name !== name || one.scheme !== scheme),
    made,
  ]);
  const output = createOutput(io);
  if (scheme === 'apikey') {
    output.line(Buffer.from(`${name}:${secret}`).toString('base64'));
    output.note('the line above is the API key of the agent binary source; it is shown this once');
  } else if (isMade) {
    output.line(secret);
    output.note(`the line above is the password of ${name}; it is shown this once`);
  }
};

const readPassword = async (path: string): Promise<string> => {
  const password = (
    await readFile(path, 'utf8').catch((error: unknown) => {
      const reason = `--password-file: ${path} cannot be read: ${messageOf(error)}`;
      throw new DepotError('USAGE', { reason }, error);
    })
  ).replace(/\r?\n$/, '');
  if (password.length < 8 || Buffer.byteLength(password) > 512) {
    throw new DepotError('USAGE', {
      reason: '--password-file: a password has at least 8 characters and at most 512 bytes',
    });
  }
  return password;
};

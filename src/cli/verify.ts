import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { VerifiedItem } from '../signing/verified-archive.ts';
import { addKeyringOptions } from './keyring-options.ts';
import { exitCodeOf, exitCodes, type CommandIo, type Verb } from './verb.ts';
import type { VerifyDeps, VerifyOptions } from './verify/deps.ts';
import { verifyPath } from './verify/path.ts';
import { report } from './verify/report.ts';
import { createVerifiers } from './verify/verifiers.ts';

/** `fleet-depot verify DIR|FILE|LOCK|BUNDLE…`: archives whole, as the lock file says, signed by a trusted key. */
export const createVerifyVerb = (deps: VerifyDeps): Verb => ({
  name: 'verify',
  register(program, io, finish) {
    addKeyringOptions(program.command('verify'))
      .description('Check archives, lock file and signatures')
      .argument('<path...>', 'folders, depots, archives, lock files or bundles')
      .option('--no-signatures', 'check only that archives are whole and as the lock file says')
      .option('--accept-expired-keys', 'take what a key signed before it expired, as Kibana does')
      .option('--all', 'list the good ones as well')
      .option('--json', 'print JSON')
      .action(async (paths: string[], options: VerifyOptions) => {
        finish(await verify(paths, options, io, deps));
      });
  },
});

const verify = async (
  paths: readonly string[],
  options: VerifyOptions,
  io: CommandIo,
  deps: VerifyDeps,
): Promise<number> => {
  const verifiers = createVerifiers(options, io);
  const items: VerifiedItem[] = [];
  for (const path of paths) {
    if (io.signal.aborted) {
      break;
    }
    const isDepot = (await stat(join(path, 'depot.json')).catch(() => undefined)) !== undefined;
    // Of a depot its current snapshot is meant, with its record, and its journal; `snapshot verify` checks all of it.
    const place = isDepot ? join(path, 'current') : path;
    if (!isDepot || (await stat(place).catch(() => undefined)) !== undefined) {
      const verifier = await verifiers(isDepot ? path : undefined);
      items.push(...(await verifyPath(place, options, verifier, io, deps)));
    }
    items.push(...(isDepot ? ((await deps.verifyDepot?.(path)) ?? []) : []));
  }
  report(items, options, io);
  const bad = items.filter((item) => !item.ok).length;
  if (io.signal.aborted) {
    io.stderr.write('interrupted: the rest was not checked\n');
    return exitCodes.partly;
  }
  return exitCodeOf(items.length, bad);
};

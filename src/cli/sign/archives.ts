import { dirname } from 'node:path';
import { refuseInsideDepot } from '../../depot/enclosing.ts';
import { DepotError } from '../../domain/errors.ts';
import { discardLeftIn } from '../../files/left-behind.ts';
import { listArchives } from '../../signing/archive-list.ts';
import { signSet, type SignedItem } from '../../signing/sign-set.ts';
import { readSitePublicKey } from '../../signing/signer.ts';
import { createVerifier, fixedKeys } from '../../signing/verifier.ts';
import { createItemProgress, type ItemProgress } from '../item-progress.ts';
import { openKeyring } from '../keyring-options.ts';
import type { SignDeps, SignOptions } from './deps.ts';
import { report } from './report.ts';
import { signerLoader } from '../signer-loader.ts';
import { exitCodeOf, exitCodes, type CommandIo } from '../verb.ts';

/** `sign PATH…` and `sign --resign PATH…`: signs archives and reports. Resolves with the exit code; throws DepotError. */
export const signArchives = async (
  paths: readonly string[],
  keyFile: string,
  options: SignOptions,
  io: CommandIo,
  deps: SignDeps,
): Promise<number> => {
  const archives = await listArchives(paths);
  const folders = new Set(archives.map((archive) => dirname(archive)));
  // A depot's own folder, or one above it, has snapshots in it as well.
  for (const folder of new Set([...paths, ...folders])) {
    await refuseInsideDepot(folder, 'sign the folder that bundles are made from, and carry it in');
  }
  const stray = archives.find((path) => !path.endsWith('.zip'));
  if (stray !== undefined) {
    throw new DepotError('USAGE', { reason: `${stray} is no .zip archive` });
  }
  const { publicKey } = await readSitePublicKey(keyFile);
  const signer =
    options.dryRun === true
      ? undefined
      : await signerLoader(deps.terminal)(keyFile, options.passphraseFile, io);
  if (options.dryRun !== true) {
    await Promise.all([...folders].map(discardLeftIn));
  }
  const progress = phases(io, archives.length, options.json === true);
  const items = await signSet(archives, {
    resign: options.resign === true,
    partial: options.resign !== true || options.partial === true,
    signal: io.signal,
    signer,
    judges: {
      site: createVerifier(fixedKeys([publicKey])),
      keyring: createVerifier(openKeyring(options, io)),
    },
    checkArchive: deps.checkArchive,
    onStep: progress.step,
  }).finally(progress.stop);
  await report(items, archives.length, keyFile, options, io);
  if (io.signal.aborted) {
    io.stderr.write('interrupted: run it again, it goes on where it stopped\n');
    return exitCodes.partly;
  }
  return signExitCode(items, options);
};

// Where a set was refused as a whole, what had been signed before doesn't make it partly done.
const signExitCode = (items: readonly SignedItem[], options: SignOptions): number => {
  const count = (...outcomes: SignedItem['outcome'][]): number =>
    items.filter(({ outcome }) => outcomes.includes(outcome)).length;
  const failed = count('refused', 'failed');
  const wholeRefused =
    options.resign === true && options.partial !== true && count('signed') === 0 && failed > 0;
  return wholeRefused ? exitCodes.failed : exitCodeOf(items.length, failed);
};

const phases = (
  io: CommandIo,
  total: number,
  quiet: boolean,
): { step(phase: 'checked' | 'signed'): void; stop(): void } => {
  let current: { readonly phase: string; readonly progress: ItemProgress } | undefined;
  return {
    step: (phase) => {
      if (current?.phase !== phase) {
        current?.progress.stop();
        current = { phase, progress: createItemProgress(io, phase, total, quiet) };
      }
      current.progress.step();
    },
    stop: () => current?.progress.stop(),
  };
};

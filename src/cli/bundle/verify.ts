import type { Command } from 'commander';
import { verifyBundle } from '../../bundle/verify.ts';
import {
  openTrusted,
  trustLine,
  trustOptions,
  type BundleTools,
  type Finish,
  type TrustFlags,
} from './trust.ts';
import { createByteProgress } from '../byte-progress.ts';
import { printJson, printLines, reporting } from '../depot-report.ts';
import { createOutput } from '../output.ts';
import { exitCodes, type CommandIo } from '../verb.ts';

/** Adds `verify` to the verb `bundle`. */
export const registerVerify = (bundle: Command, tools: BundleTools, io: CommandIo, finish: Finish): void => {
  trustOptions(
    bundle.command('verify').description('Check every byte and the signature; needs no disk space'),
  )
    .option('--depot <dir>', "use the depot's own keyring, DIR/keys")
    .argument('<file...>', 'bundle, or any of its volumes')
    .action((files: string[], flags: TrustFlags) =>
      reporting(io, finish, () => verify(files, flags, tools, io)),
    );
};

const verify = async (
  files: readonly string[],
  flags: TrustFlags,
  tools: BundleTools,
  io: CommandIo,
): Promise<number> => {
  const opened = await openTrusted(files, flags, true, tools, io);
  const progress = createByteProgress(io, 'checking', flags.json === true);
  const volumes = await verifyBundle(
    opened,
    (bytes, total) => progress.update(bytes, total),
    io.signal,
  ).finally(() => progress.stop());
  const { absent, trust, id } = opened;
  const { base } = opened.manifest;
  if (flags.json === true) {
    printJson(io, { id, trust, volumes, absent, base: base ?? null });
  } else {
    createOutput(io).table(
      ['VOLUME', 'FILE', 'CONTENTS', 'BYTES'],
      volumes.map((one) => [one.number, one.file, one.contents, one.bytes]),
    );
    const what = absent.length > 0 ? 'what was given is whole' : 'whole';
    printLines(io, `bundle ${id}: ${what}, ${trustLine(opened)}`);
    if (base) {
      printLines(io, `it holds only what is new to snapshot ${base.snapshot} of depot ${base.depot}`);
    }
    if (absent.length > 0) {
      printLines(io, `not given: volume ${absent.join(', ')}`);
    }
  }
  return absent.length > 0 ? exitCodes.partly : exitCodes.ok;
};

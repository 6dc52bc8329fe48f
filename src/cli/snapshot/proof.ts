import { countOf } from '../../domain/count.ts';
import { formatBytes } from '../../config/bytes.ts';
import { unsigned } from '../../depot/agreement.ts';
import { inspectDepot } from '../../depot/inspection.ts';
import { createByteProgress } from '../byte-progress.ts';
import { printJson, printLines } from '../depot-report.ts';
import { createOutput } from '../output.ts';
import { exitCodes } from '../verb.ts';
import type { Flags, Run } from './run.ts';

/** `snapshot log`: what happened here, by the journal. */
export const log: Run = async (depot, flags, _args, io) => {
  const state = await depot.journal.read();
  if (flags.json === true) {
    printJson(io, { lines: state.lines, tornBytes: state.tornBytes, fault: state.fault ?? null });
  } else {
    createOutput(io).table(
      ['N', 'TIME', 'USER', 'ACTION', 'SNAPSHOT', 'DIGEST', 'NOTE'],
      state.lines.map((line) => [
        line.n,
        line.time,
        line.user,
        line.action,
        line.snapshot ?? '-',
        line.digest?.slice(0, 12) ?? '-',
        [line.note ?? [], line.signer === undefined ? [] : signerNote(line.signer)].flat().join(', '),
      ]),
    );
  }
  if (state.tornBytes > 0) {
    io.stderr.write(
      `the last line is torn (${state.tornBytes} bytes), as a crash leaves it; the next change cuts it off\n`,
    );
  }
  if (state.fault !== undefined) {
    io.stderr.write(`${depot.layout.journal} line ${state.fault.line}: ${state.fault.reason}\n`);
  }
  return state.fault === undefined ? exitCodes.ok : exitCodes.failed;
};

const signerNote = (signer: string): string =>
  signer === unsigned ? 'not signed' : `signed by ${signer.slice(-16)}`;

/** `snapshot verify`: whether all is as it was recorded. */
export const verify: Run = async (depot, flags, _args, io) => {
  const accept = (flags as Flags & { readonly acceptJournal?: boolean }).acceptJournal === true;
  if (accept && (await depot.journal.read()).fault !== undefined) {
    io.stderr.write(`the broken journal is now ${await depot.restartJournal()}\n`);
  }
  const progress = createByteProgress(io, 'checking', flags.json === true);
  const found = await inspectDepot(depot, (bytes) => progress.update(bytes), io.signal).finally(() =>
    progress.stop(),
  );
  const damaged = found.findings.filter((one) => one.severity === 'damage').length;
  if (flags.json === true) {
    printJson(io, found);
  } else {
    for (const one of found.findings) {
      printLines(io, `${one.severity}: ${one.path}: ${one.reason}`);
    }
    printLines(
      io,
      `${countOf(found.snapshots, 'snapshot')}, ${countOf(found.contents, 'content')}, ${formatBytes(found.bytes)} read: ${damaged === 0 ? 'no damage' : `${damaged} damaged`}`,
    );
  }
  return damaged === 0 ? exitCodes.ok : exitCodes.failed;
};

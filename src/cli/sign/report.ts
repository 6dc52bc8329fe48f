import { stat } from 'node:fs/promises';
import { kibanaAdvice } from '../../signing/kibana-setting.ts';
import type { SignedItem } from '../../signing/sign-set.ts';
import { siteKeyFiles } from '../../signing/site-key-files.ts';
import { printable } from '../plain-table.ts';
import type { SignOptions } from './deps.ts';
import { kibanaOf } from './site-key.ts';
import type { CommandIo } from '../verb.ts';

/** Shows what became of each archive, and what Kibana needs where some were signed. */
export const report = async (
  items: readonly SignedItem[],
  total: number,
  keyFile: string,
  options: SignOptions,
  io: CommandIo,
): Promise<void> => {
  const publicFile = siteKeyFiles(keyFile).publicKey;
  const counts = Object.fromEntries(
    (['signed', 'already', 'pending', 'refused', 'failed'] as const).map((outcome) => [
      outcome,
      items.filter((item) => item.outcome === outcome).length,
    ]),
  );
  if (options.json === true) {
    io.stdout.write(
      `${JSON.stringify({ items, summary: counts, kibana: kibanaOf(publicFile) }, undefined, 2)}\n`,
    );
    return;
  }
  for (const { outcome, path, reason, originalSigner } of items) {
    const note = reason ?? (originalSigner === undefined ? '' : `was signed by ${originalSigner}`);
    const line = `${outcome.padEnd(8)} ${path}${note === '' ? '' : `: ${note}`}`;
    io.stdout.write(`${printable(line).replaceAll('\n', String.raw`\n`)}\n`);
  }
  io.stdout.write(
    `${Object.entries(counts)
      .map(([outcome, count]) => `${count} ${outcome}`)
      .join(', ')}\n`,
  );
  if (total === 0) {
    io.stderr.write('there is no archive (*.zip) there\n');
  } else if (
    options.resign === true &&
    options.partial !== true &&
    !io.signal.aborted &&
    ((counts['refused'] ?? 0) > 0 || ((counts['failed'] ?? 0) > 0 && (counts['pending'] ?? 0) > 0))
  ) {
    io.stderr.write(
      'nothing was changed, because not every archive could be verified; --partial signs those that could\n',
    );
  }
  if ((counts['signed'] ?? 0) > 0) {
    io.stdout.write(`\n${kibanaAdvice(publicFile)}`);
    const there = await stat(publicFile).catch(() => undefined);
    if (there === undefined) {
      io.stderr.write(
        `(write that file first: fleet-depot sign --public --key ${keyFile} > ${publicFile})\n`,
      );
    }
  }
};

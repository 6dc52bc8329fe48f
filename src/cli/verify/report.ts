import { createOutput, type Output } from '../output.ts';
import type { VerifiedItem } from '../../signing/verified-archive.ts';
import type { CommandIo } from '../verb.ts';
import type { VerifyOptions } from './deps.ts';

/** Shows what was found of each item, then whose signatures are good and how many items are. */
export const report = (items: readonly VerifiedItem[], options: VerifyOptions, io: CommandIo): void => {
  const out = createOutput(io);
  const bad = items.filter((item) => !item.ok);
  const good = items.length - bad.length;
  if (options.json === true) {
    out.json({ items, summary: { good, bad: bad.length } });
    return;
  }
  const shown = options.all === true || items.length <= 20 ? items : bad;
  if (shown.length > 0) {
    out.table(
      ['ARCHIVE', 'WHOLE', 'LOCK', 'SIGNATURE', 'SIGNER', 'ORIGINAL', 'WHY'],
      shown.map((item) => [
        item.path,
        item.archive,
        item.lock,
        item.signature,
        item.signer ?? '-',
        item.original?.state ?? '-',
        item.reasons.join('; '),
      ]),
    );
  }
  reportSigners(items, out);
  reportOriginals(items, out);
  out.line(`${good} good, ${bad.length} bad`);
};

/** Whose signatures were good: where all is well, no table says it. */
const reportSigners = (items: readonly VerifiedItem[], out: Output): void => {
  const counts = new Map<string, number>();
  for (const { signature, signer } of items) {
    if (signature === 'good' && signer !== undefined) {
      counts.set(signer, (counts.get(signer) ?? 0) + 1);
    }
  }
  for (const [signer, count] of counts) {
    out.line(`${count} signed by ${signer}`);
  }
};

/** What became of the signatures that archives came with, and how an auditor checks those that nothing here can. */
const reportOriginals = (items: readonly VerifiedItem[], out: Output): void => {
  const originals = items.flatMap(({ original }) => (original === undefined ? [] : [original]));
  const intact = originals.filter(({ state }) => state === 'good').length;
  const kept = originals.filter(({ state }) => state === 'kept').length;
  if (intact > 0) {
    out.line(`${intact} signed anew; the signature that they came with is good as well`);
  }
  if (kept > 0) {
    out.line(
      `${kept} changed and signed anew; the signature that they came with is beside them (X.zip.sig.orig) and fits an ` +
        'archive of the digest that --json shows under original',
    );
  }
};

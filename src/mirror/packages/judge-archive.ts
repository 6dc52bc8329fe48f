import { stat } from 'node:fs/promises';
import { digestOf } from '../../files/digest.ts';
import { DepotError } from '../../domain/errors.ts';
import { showUrl } from '../../net/http.ts';
import type { SignatureVerdict } from '../../signing/signature.ts';
import { endOfSignature } from '../record/kept-signature.ts';
import type { Downloaded } from '../transfer/download-types.ts';
import { fileFault } from '../../files/file-fault.ts';
import type { Facts } from '../record/journal.ts';
import type { CheckedArchive } from '../checking/archive-checker.ts';
import type { PackageDeps } from './deps.ts';
import { writePart, type WrittenFile } from '../transfer/part-file.ts';
import type { PlanItem } from '../planning/plan.ts';

/** What an archive is judged with. */
export interface JudgeDeps extends Pick<PackageDeps, 'layout' | 'checker' | 'hasKeys'> {
  readonly requireSignature: boolean;
  readonly onWarning: (id: string, reason: string) => void;
}

/** Resolves when an archive and its signature are on the disk. */
async function writeBoth(
  { written }: Downloaded,
  file: string,
  signature: string | undefined,
): Promise<WrittenFile> {
  const [archive] = await Promise.all([
    written,
    signature === undefined ? undefined : writePart(file, Buffer.from(signature)),
  ]);
  return archive;
}

const statFile = (file: string): Promise<WrittenFile> =>
  stat(file).catch((error: unknown) => {
    throw fileFault(error, file);
  });

/** What was found of a good archive, and which file it is. */
export interface GoodArchive {
  readonly facts: Facts;
  readonly file: WrittenFile;
}

/**
 * Checks what was downloaded, or what is in place: the archive, against its lock where there is one, and its signature. Throws
 * DepotError ARCHIVE_MISMATCH, SIGNATURE_REFUSED, or that of a disk.
 */
export async function judgeArchive(
  item: PlanItem,
  signature: string | undefined,
  downloaded: Downloaded | undefined,
  deps: JudgeDeps,
): Promise<GoodArchive> {
  const { layout } = deps;
  const { id, name, version } = item;
  const { place } = downloaded ?? {};
  const writing = downloaded
    ? writeBoth(downloaded, layout.partSignature(id), signature)
    : Promise.resolve(await statFile(layout.archive(id)));
  const checking = deps.checker.check({
    file: downloaded ? layout.part(id) : layout.archive(id),
    name,
    version,
    ...(deps.hasKeys && signature !== undefined ? { signature } : {}),
    ...(place ? { body: place } : {}),
  });
  // The place is used by both.
  await Promise.allSettled([checking, writing]);
  place?.give();
  const checked = await checking;
  const written = await writing;
  const { sha256, size, signature: verdict } = checked;
  const signatureSha256 = signature === undefined ? undefined : digestOf(signature);
  refuseResigned(item, sha256, signatureSha256);
  refuseOther(item, checked, signatureSha256);
  const signer = judgeSignature(item, signature, verdict, deps);
  refuseOtherSigner(item, signer);
  const facts = {
    id,
    sha256,
    size,
    source: showUrl(item.archiveUrl),
    ...(signer === undefined ? {} : { signer }),
    ...endOfSignature(verdict),
    ...(signature !== undefined && signatureSha256 !== undefined
      ? { signature: { sha256: signatureSha256, size: Buffer.byteLength(signature) } }
      : {}),
  };
  return { facts, file: written };
}

/** Refuses another archive or signature than the lock file says, where there is one. */
function refuseOther(
  { id, locked }: PlanItem,
  { sha256, size }: CheckedArchive,
  signature: string | undefined,
): void {
  const said = locked?.original ?? locked;
  if (!said) {
    return;
  }
  for (const [what, found, expected] of [
    ['sha256', sha256, said.sha256],
    ['size', size, said.size],
  ] as const) {
    if (found !== expected) {
      throw mismatch(`${id}.zip`, `its ${what} is ${found}, the lock file says ${expected}`);
    }
  }
  if (said.signature?.sha256 !== signature) {
    throw mismatch(`${id}.zip.sig`, 'it is another signature than the lock file says');
  }
}

/** A signer that isn't known now, or wasn't then, is none other. */
function refuseOtherSigner({ id, locked }: PlanItem, signer: string | undefined): void {
  const said = (locked?.original ?? locked)?.signer;
  if (signer !== undefined && said !== undefined && signer !== said) {
    throw mismatch(`${id}.zip`, `its signer is ${signer}, the lock file says ${said}`);
  }
}

const mismatch = (file: string, reason: string): DepotError =>
  new DepotError('ARCHIVE_MISMATCH', { file, reason });

/** A server that has a set as it was made, stripped and signed anew, can't say what it was before, so nobody could check that. */
function refuseResigned({ id, locked }: PlanItem, sha256: string, signature: string | undefined): void {
  const { original } = locked ?? {};
  if (
    original &&
    sha256 === locked?.sha256 &&
    (sha256 !== original.sha256 || signature === locked.signature?.sha256)
  ) {
    throw mismatch(
      `${id}.zip`,
      'this server has it as the set was made, signed anew by the site key: carry such a set with `fleet-depot bundle create`, or fetch it from a registry that has the originals (--address)',
    );
  }
}

/** The signer's fingerprint; undefined where a signature isn't required and proves nothing. */
function judgeSignature(
  item: PlanItem,
  signature: string | undefined,
  verdict: SignatureVerdict | undefined,
  deps: JudgeDeps,
): string | undefined {
  const file = `${item.id}.zip.sig`;
  if (signature === undefined || verdict === undefined) {
    if (deps.requireSignature) {
      throw new DepotError('SIGNATURE_REFUSED', { file, reason: 'there is no signature' });
    }
    return undefined;
  }
  if (verdict.state === 'good') {
    return verdict.fingerprint;
  }
  // A key that isn't known proves nothing; a signature that doesn't fit the bytes proves that something was changed.
  const harmless = verdict.state === 'missing' || verdict.state === 'unknown-key';
  if (deps.requireSignature || !harmless) {
    throw new DepotError('SIGNATURE_REFUSED', { file, reason: verdict.reason });
  }
  deps.onWarning(item.id, `signature not verified: ${verdict.reason}`);
  return undefined;
}

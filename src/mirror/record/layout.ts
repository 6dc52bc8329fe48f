import { join } from 'node:path';
import { originalSignaturePath, signaturePath } from '../../signing/archive-signature.ts';

/**
 * The folder that sync fills:
 *
 *     DIR/
 *       NAME-VERSION.zip          an archive that was checked
 *       NAME-VERSION.zip.sig      its signature, there before the archive is
 *       NAME-VERSION.zip.sig.orig the signature that it came with, where it was stripped and signed anew
 *       distribution.lock         what the set is, byte for byte
 *       .fleet-depot/
 *         lock                    who works here now
 *         journal.jsonl           one line for each archive that was checked
 *         NAME-VERSION.zip.part   half an archive
 *         NAME-VERSION.zip.json   what the half is of, to resume it
 *
 * Names come in only as package names and strict versions, so none of them can leave the folder.
 */
export interface Layout {
  readonly folder: string;
  readonly work: string;
  readonly lockFile: string;
  readonly busyFile: string;
  readonly journal: string;
  archive(id: string): string;
  signature(id: string): string;
  /** The signature of the archive as it came, kept for auditors where the archive was changed. */
  originalSignature(id: string): string;
  part(id: string): string;
  /** The signature of a part that was checked, until both are put into place. */
  partSignature(id: string): string;
  partFacts(id: string): string;
}

/** The folder in which half of things lies, below the one that is filled. */
export const workFolderName = '.fleet-depot';

/** `work` is another folder than the usual one only where `folder` is just looked at. */
export function createLayout(folder: string, work = join(folder, workFolderName)): Layout {
  return {
    folder,
    work,
    lockFile: join(folder, 'distribution.lock'),
    busyFile: join(work, 'lock'),
    journal: join(work, 'journal.jsonl'),
    archive: (id) => join(folder, `${id}.zip`),
    signature: (id) => signaturePath(join(folder, `${id}.zip`)),
    originalSignature: (id) => originalSignaturePath(join(folder, `${id}.zip`)),
    part: (id) => join(work, `${id}.zip.part`),
    partSignature: (id) => join(work, `${id}.zip.part.sig`),
    partFacts: (id) => join(work, `${id}.zip.json`),
  };
}

import { messageOf } from '../../domain/errors.ts';
import type { SignatureVerdict, SignatureVerifier } from '../../signing/signature.ts';
import { createVerifier, fixedKeys } from '../../signing/verifier.ts';
import type { ArchiveBytes } from './archive-bytes.ts';
import { bytesInMemory, hashWhileRead, openArchiveBytes } from './archive-bytes.ts';
import { checkEntries, type EntryLimits, type Inflating } from './archive-entries.ts';
import { createReceivedBuffers } from '../transfer/received-buffers.ts';

/** An archive to check. Plain data: it is sent to worker threads. */
export interface ArchiveTask {
  readonly file: string;
  readonly name: string;
  readonly version: string;
  /** Armored; checked over the very bytes that were read. Absent: not checked. */
  readonly signature?: string;
  readonly limits: CheckLimits;
}

/** What an archive may have and need. */
export interface CheckLimits extends EntryLimits {
  /** Bytes of the archive. */
  readonly maxBytes: number;
}

/** The limits where no flag says others. */
export const defaultCheckLimits: CheckLimits = {
  maxBytes: 512 * 2 ** 20,
  maxManifestBytes: 8 * 2 ** 20,
  maxEntries: 65_535,
  maxEntryBytes: 512 * 2 ** 20,
  maxTotalBytes: 4 * 2 ** 30,
  maxRatio: 200,
};

/** What a check found: the archive is good, or why it is not. */
export type ArchiveVerdict =
  | {
      readonly ok: true;
      readonly sha256: string;
      readonly size: number;
      readonly signature?: SignatureVerdict;
    }
  | { readonly ok: false; readonly reason: string };

/** What one thread keeps from archive to archive. */
export interface CheckMemory {
  readonly inflating: Inflating;
  /** Holds small archives, and pieces of larger ones. */
  readonly buffer: Buffer;
  readonly verifier: SignatureVerifier;
}

const bufferBytes = 2 * 2 ** 20;

/** Trusts the given armored public keys. */
export function createCheckMemory(armoredKeys: readonly string[]): CheckMemory {
  const verifier = createVerifier(fixedKeys(armoredKeys));
  const inflating = { known: new Map(), buffers: createReceivedBuffers() };
  return { inflating, buffer: Buffer.allocUnsafeSlow(bufferBytes), verifier };
}

/**
 * Checks one archive: its signature, where there is one; its directory is in order, all files lie in
 * `{name}-{version}/`, and the manifest has that name and version; and every file unpacks to its declared size and CRC-32.
 *
 * That last one is left out where the signature is good. What CRCs would find, a byte that changed on the way or on a
 * disk, the signature has excluded for all bytes at once. What is left is an archive that its signer has made broken:
 * `fleet-depot verify` finds it, and so does the server, which never sends a file whose CRC is another.
 *
 * Bad content is a verdict, never an exception. `content` is the archive where it isn't in the task's file yet.
 */
export async function checkArchive(
  task: ArchiveTask,
  memory: CheckMemory,
  content?: Buffer,
): Promise<ArchiveVerdict> {
  let archive: ArchiveBytes | undefined;
  try {
    archive = content
      ? bytesInMemory(content)
      : openArchiveBytes(task.file, task.limits.maxBytes, memory.buffer);
    const hashed = hashWhileRead(archive);
    const signature =
      task.signature === undefined ? undefined : await memory.verifier.verify(hashed, task.signature);
    await checkEntries(
      archive,
      task,
      task.limits,
      signature?.state === 'good' ? undefined : memory.inflating,
    );
    return {
      ok: true,
      sha256: hashed.sha256(),
      size: archive.size,
      ...(signature ? { signature } : {}),
    };
  } catch (error) {
    return { ok: false, reason: messageOf(error) };
  } finally {
    archive?.close();
  }
}

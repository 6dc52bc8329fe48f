import { createReadStream } from 'node:fs';
import { rename, stat } from 'node:fs/promises';
import { digestOf } from '../../files/digest.ts';
import type { ZipLimits } from '../../archive/zip-directory.ts';
import { DepotError } from '../../domain/errors.ts';
import { writeDurably } from '../../files/durable-file.ts';
import type { Signer } from '../../signing/signature.ts';
import { createVerifier, fixedKeys } from '../../signing/verifier.ts';
import type { ArchiveChecker } from '../checking/archive-checker.ts';
import { fileFault } from '../../files/file-fault.ts';
import type { Facts } from '../record/journal.ts';
import type { Layout } from '../record/layout.ts';
import { writePart, type WrittenFile } from '../transfer/part-file.ts';
import type { WantedItem } from '../planning/plan.ts';
import { writeStripped, type OnWarning } from './stripped-archive.ts';

/** A package whose part and signature wait to be placed, and which file the part is. */
export interface StrippedPackage {
  readonly facts: Facts;
  readonly file: WrittenFile;
}

/** Takes the screenshots out of packages whose own signature was good, and signs them with the site key. */
export interface Stripper {
  /** Of the site key. */
  readonly fingerprint: string;
  /**
   * Replaces the part, which was checked and has these facts, and its signature. The one that it came with is kept beside
   * the archive, for whoever wants to check it against an archive of the digest that the lock file has under `original`.
   * `onWarning` is told where a manifest can't be cut, and the package keeps its screenshots. Throws SIGNING_FAILED,
   * ARCHIVE_MISMATCH, and what a full disk makes of it.
   */
  strip(
    item: WantedItem,
    fetched: SignedFacts,
    layout: Layout,
    onWarning: OnWarning,
  ): Promise<StrippedPackage>;
}

/** Facts of an archive as it came, and the text of the signature that vouched for it. */
export interface SignedFacts {
  readonly facts: Facts;
  readonly signature: string | undefined;
}

/** What stripping is done with. */
export interface StripDeps {
  readonly signer: Signer;
  readonly checker: ArchiveChecker;
  readonly limits: ZipLimits;
}

/** Signs with the given site key, and holds what it made to the check of archives. */
export function createStripper({ signer, checker, limits }: StripDeps): Stripper {
  const verifier = createVerifier(fixedKeys([signer.publicKey]));
  return {
    fingerprint: signer.fingerprint,
    async strip(item, fetched, layout, onWarning) {
      const { id, source, ...origin } = fetched.facts;
      if (origin.signer === undefined || fetched.signature === undefined) {
        throw new DepotError('SIGNING_FAILED', { label: id, reason: 'its own signature was not verified' });
      }
      const part = layout.part(id);
      const made = `${part}.stripped`;
      if (await writeStripped(item, part, made, limits, onWarning)) {
        await rename(made, part);
      }
      const signature = await signer.sign(createReadStream(part));
      const verdict = await verifier.verify(createReadStream(part), signature);
      if (verdict.state !== 'good') {
        throw new DepotError('SIGNING_FAILED', { label: id, reason: verdict.reason });
      }
      await keepOriginal(layout.originalSignature(id), fetched.signature);
      // The new archive is held to the same check as one that came from outside.
      const file = await stat(part);
      const { sha256, size } = await checker.check({ file: part, name: item.name, version: item.version });
      await writePart(layout.partSignature(id), Buffer.from(signature));
      const digest = digestOf(signature);
      return {
        facts: {
          id,
          source,
          sha256,
          size,
          signer: signer.fingerprint,
          signature: { sha256: digest, size: Buffer.byteLength(signature) },
          original: origin,
        },
        file,
      };
    },
  };
}

const keepOriginal = async (file: string, signature: string): Promise<void> => {
  try {
    await writeDurably(file, signature, { mode: 0o644 });
  } catch (error) {
    throw fileFault(error, file);
  }
};

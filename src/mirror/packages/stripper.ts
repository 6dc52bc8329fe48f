import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { digestOf } from '../../files/digest.ts';
import { openRandomFile } from '../../archive/random-file.ts';
import { unpackBytes } from '../../archive/zip-content.ts';
import { readStoredBytes } from '../../archive/zip-stored.ts';
import { readZipDirectory, type ZipLimits } from '../../archive/zip-directory.ts';
import { writeZip } from '../../archive/zip-writer.ts';
import { DepotError, messageOf } from '../../domain/errors.ts';
import { writeDurably } from '../../files/durable-file.ts';
import type { Signer } from '../../signing/signature.ts';
import { createVerifier, fixedKeys } from '../../signing/verifier.ts';
import type { ArchiveChecker } from '../checking/archive-checker.ts';
import { fileFault } from '../../files/file-fault.ts';
import type { Facts } from '../record/journal.ts';
import type { Layout } from '../record/layout.ts';
import { cutScreenshots } from './manifest-cut.ts';
import { writePart, type WrittenFile } from '../transfer/part-file.ts';
import type { WantedItem } from '../planning/plan.ts';
import { cutImages } from './readme-cut.ts';

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

type OnWarning = (id: string, reason: string) => void;

/** What stripping is done with. */
export interface StripDeps {
  readonly signer: Signer;
  readonly checker: ArchiveChecker;
  readonly limits: ZipLimits;
}

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
      if (await rewrite(item, part, made, limits, onWarning)) {
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

/** Writes the archive anew without screenshots; false where it has none, or keeps them. The same archive always gives the same bytes. */
async function rewrite(
  item: WantedItem,
  from: string,
  to: string,
  limits: ZipLimits,
  onWarning: OnWarning,
): Promise<boolean> {
  const file = await openRandomFile(from, item.id, false);
  try {
    const { files } = await readZipDirectory(file, limits);
    const top = `${item.name}-${item.version}`;
    const read = async (path: string): Promise<Buffer> => {
      const entry = files.get(`${top}/${path}`);
      if (entry === undefined) {
        throw new DepotError('ARCHIVE_MISMATCH', { file: `${item.id}.zip`, reason: `it has no ${path}` });
      }
      return unpackBytes(await readStoredBytes(file, entry), entry);
    };
    let cut;
    try {
      cut = cutScreenshots(await read('manifest.yml'));
    } catch (error) {
      if (error instanceof DepotError) {
        throw error;
      }
      onWarning(item.id, `it keeps its screenshots: ${messageOf(error)}`);
    }
    if (cut === undefined) {
      return false;
    }
    const { manifest } = cut;
    const gone = new Set(cut.files);
    const readCut = async (path: string): Promise<Buffer> => {
      const bytes = await read(path);
      const text = /^docs\/.*\.md$/i.test(path) ? bytes.toString('utf8') : '';
      const shown = cutImages(text, path, gone);
      // What is no UTF-8 would not come back as it was.
      return shown === text || !Buffer.from(text).equals(bytes) ? bytes : Buffer.from(shown);
    };
    const inputs = [...files.keys()]
      .map((path) => path.slice(top.length + 1))
      .filter((path) => !gone.has(path))
      .map((path) => ({ path, read: async () => (path === 'manifest.yml' ? manifest : readCut(path)) }));
    await pipeline(writeZip(top, inputs), createWriteStream(to, { flush: true }));
    return true;
  } catch (error) {
    await rm(to, { force: true });
    throw error instanceof DepotError ? error : fileFault(error, to);
  } finally {
    await file.close();
  }
}

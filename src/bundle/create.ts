import path from 'node:path';
import { tarBytes, type TarInput } from '../archive/tar-writer.ts';
import { diskError } from '../depot/disk-error.ts';
import { bytesOf } from '../depot/file-list.ts';
import { digestOf } from '../files/digest.ts';
import { discardLeftIn } from '../files/left-behind.ts';
import { discard, temporaryBeside } from '../files/temporary.ts';
import type { Signer } from '../signing/signature.ts';
import { prepareOutput, publish, volumeNames, type BundleOutput } from './bundle-output.ts';
import { planBundle, type BundleWishes } from './bundle-plan.ts';
import type { FileSet } from './file-set.ts';
import { kibanaConditions } from './kibana-condition.ts';
import { contentsOf } from './manifest.ts';
import { mediumError, refuseSmallMedium } from './medium.ts';
import { volumeInputs, writeVolume } from './volume-writer.ts';

/** What is to be made. */
export interface BundleRequest extends BundleWishes {
  readonly files: FileSet;
  /** Without it the bundle is unsigned. */
  readonly signer?: Signer;
  /** The time that the signature says; by default the key's own, so that the same set makes the same bytes at any time. */
  readonly made?: Date;
  /** Path of the one file, or of the volumes without their `.001`. */
  readonly output: string;
  /** Replace what is there under this name, all its volumes included. */
  readonly replace?: boolean;
  readonly progress?: (bytes: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** What was made. */
export interface CreatedBundle {
  /** SHA-256 of the manifest. */
  readonly id: string;
  readonly volumes: readonly { readonly path: string; readonly bytes: number }[];
  /** The complete set. */
  readonly files: number;
  readonly bytes: number;
  /** What the volumes hold. */
  readonly heldFiles: number;
  readonly heldBytes: number;
}

/**
 * Writes a bundle. Its bytes depend on the files, the receipt, the key and the time that the signature says alone. Every content is checked against its
 * digest while it is written; the volumes get their names only when all are whole and synced.
 * Throws BUNDLE_UNFIT, also where the medium is too small, and FILE_FAILED.
 */
export const createBundle = async (request: BundleRequest): Promise<CreatedBundle> => {
  const { files: set, signer, output, signal, made = new Date(0) } = request;
  const conditions = await kibanaConditions(set.files, signal);
  const plan = planBundle(set, conditions, request);
  const { entries, volumes: total } = plan.manifest;
  const id = digestOf(plan.text);
  const signature = signer && { signature: Buffer.from(await signer.sign(plan.text, made)) };
  const names = volumeNames(output, total, request.volumeBytes !== undefined);
  const place = await prepareOutput(output, names, request.replace === true);

  const held = contentsOf(plan.manifest);
  const heldBytes = bytesOf(held);
  let written = 0;
  const inputs = volumeInputs({ ...plan, id, ...signature, files: set.files }, (bytes) =>
    request.progress?.((written += bytes), heldBytes),
  );
  await discardLeftIn(path.dirname(output));
  await refuseSmallMedium(output, inputs.map(tarBytes));
  const sizes = await writeVolumes(place, inputs, signal).catch((error: unknown) => {
    throw diskError(output, mediumError(output, error));
  });
  return {
    id,
    volumes: names.map((name, at) => ({ path: name, bytes: sizes[at] ?? 0 })),
    files: entries.length,
    bytes: bytesOf(entries),
    heldFiles: held.length,
    heldBytes,
  };
};

/** Writes all volumes before the first gets its name; returns their bytes. Leaves nothing where that fails. */
const writeVolumes = async (
  place: BundleOutput,
  inputs: readonly (readonly TarInput[])[],
  signal: AbortSignal | undefined,
): Promise<readonly number[]> => {
  const sizes: number[] = [];
  const temporaries: string[] = [];
  try {
    for (const [at, name] of place.names.entries()) {
      const temporary = await temporaryBeside(name);
      temporaries.push(temporary);
      sizes.push(await writeVolume(temporary, inputs[at] ?? [], signal));
    }
    await publish(place, temporaries);
    return sizes;
  } catch (error) {
    for (const temporary of temporaries) {
      await discard(temporary);
    }
    throw error;
  }
};

import { createHash } from 'node:crypto';
import { readFile, stat, unlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { DepotError } from '../domain/errors.ts';
import type { HttpClient } from '../net/http.ts';
import { showUrl } from '../net/http.ts';
import type { RetryPolicy } from '../net/retry.ts';
import type { HostPolicy } from '../net/upstream-hosts.ts';
import type { SignatureVerdict } from '../signing/signature.ts';
import type { ArchiveChecker } from './archive-checker.ts';
import type { BodyMemory } from './body-memory.ts';
import type { Downloaded } from './download.ts';
import { downloadPart } from './download.ts';
import { fileFault } from './file-fault.ts';
import { fetchSignature } from './fetch-signature.ts';
import { flushBytes } from './gather.ts';
import type { Facts, Journal } from './journal.ts';
import type { Layout } from './layout.ts';
import { writePart, type WrittenFile } from './part-file.ts';
import type { Placing } from './placing.ts';
import type { PlanItem } from './plan.ts';
import type { ReceivedBuffers } from './received-buffers.ts';
import type { Stripper } from './stripper.ts';

/** What getting one package needs. */
export interface AcquireDeps {
  readonly layout: Layout;
  readonly journal: Journal;
  readonly client: HttpClient;
  readonly policy: HostPolicy;
  readonly retry: RetryPolicy;
  readonly checker: ArchiveChecker;
  readonly memory: BodyMemory;
  readonly placing: Placing;
  /** False where there is no keyring to check signatures with, which only `requireSignature: false` allows. */
  readonly hasKeys: boolean;
  readonly requireSignature: boolean;
  readonly maxArchiveBytes: number;
  /** Names of the files that earlier runs left in the work folder. */
  readonly leftovers: ReadonlySet<string>;
  /** Names of the files that were in the folder at the start. */
  readonly present: ReadonlySet<string>;
  /** Bounds how many talk to the upstream at once; checking happens outside of it. */
  readonly gate: <Result>(work: () => Promise<Result>) => Promise<Result>;
  readonly onBytes: (count: number) => void;
  readonly buffers: ReceivedBuffers;
  readonly onWarning: (id: string, reason: string) => void;
  readonly signal?: AbortSignal;
  /** Packages are placed without screenshots, signed by the site key. */
  readonly stripper?: Stripper;
}

/**
 * Makes one package be there: checks what is in place, else fetches, checks and puts archive and signature into place.
 */
export async function acquire(
  item: PlanItem,
  deps: AcquireDeps,
): Promise<{ readonly facts: Facts; readonly fetched: boolean }> {
  if (item.state === 'present') {
    const facts = await checkInPlace(item, deps);
    if (facts) {
      return { facts, fetched: false };
    }
  }
  const signature = await deps.gate(() => fetchSignature(item, deps));
  const fetched = await fetchChecked(item, signature, deps);
  const { facts, file } = deps.stripper
    ? refuseOther(
        item,
        await deps.stripper.strip(item, { facts: fetched.facts, signature }, deps.layout, deps.onWarning),
      )
    : fetched;
  if (!deps.stripper && deps.present.has(basename(deps.layout.originalSignature(item.id)))) {
    // Of a stripped archive that was here before: it doesn't belong to this one.
    await unlink(deps.layout.originalSignature(item.id)).catch(() => {});
  }
  await deps.placing.place(item.id, signature !== undefined);
  // Only what came in several pieces has facts.
  if (fetched.facts.size > flushBytes) {
    await unlink(deps.layout.partFacts(item.id)).catch(() => {});
  }
  await deps.journal.record(facts, file);
  return { facts, fetched: true };
}

/** A lock file says what a stripped archive must be, too. */
function refuseOther({ id, locked }: PlanItem, stripped: Good): Good {
  const { sha256 } = stripped.facts;
  if (locked && sha256 !== locked.sha256) {
    throw new DepotError('ARCHIVE_MISMATCH', {
      file: `${id}.zip`,
      reason: `its sha256 without screenshots is ${sha256}, the lock file says ${locked.sha256}`,
    });
  }
  return stripped;
}

/** Facts of the archive that is there already, if it is good. */
async function checkInPlace(item: PlanItem, deps: AcquireDeps): Promise<Facts | undefined> {
  const { layout, journal } = deps;
  try {
    const signature = await readFile(layout.signature(item.id), 'utf8').catch(() => undefined);
    const { facts, file } = await checkFile(item, signature, undefined, deps);
    await journal.record(facts, file);
    return facts;
  } catch (error) {
    if (!(error instanceof DepotError) || error.code === 'INTERRUPTED' || error.code === 'DISK_FULL') {
      throw error;
    }
    deps.onWarning(item.id, `the one that is here is fetched again: ${error.message}`);
    return undefined;
  }
}

async function fetchChecked(item: PlanItem, signature: string | undefined, deps: AcquireDeps): Promise<Good> {
  const resumed = deps.leftovers.has(`${item.id}.zip.part`);
  try {
    return await fetchOnce(item, signature, deps);
  } catch (error) {
    const mismatch =
      error instanceof DepotError &&
      (error.code === 'ARCHIVE_MISMATCH' || error.code === 'SIGNATURE_REFUSED');
    if (!mismatch) {
      throw error;
    }
    await dropParts(item.id, deps.layout);
    // A half from an earlier run may have been of another content: one more try from the first byte.
    if (resumed) {
      return await fetchOnce(item, signature, deps).catch((again: unknown) =>
        dropMismatch(item.id, deps.layout, again),
      );
    }
    throw error;
  }
}

async function dropMismatch(id: string, layout: Layout, error: unknown): Promise<never> {
  if (error instanceof DepotError && error.code === 'ARCHIVE_MISMATCH') {
    await dropParts(id, layout);
  }
  throw error;
}

async function dropParts(id: string, layout: Layout): Promise<void> {
  await unlink(layout.part(id)).catch(() => {});
  await unlink(layout.partSignature(id)).catch(() => {});
  await unlink(layout.partFacts(id)).catch(() => {});
}

async function fetchOnce(item: PlanItem, signature: string | undefined, deps: AcquireDeps): Promise<Good> {
  const { layout, memory, onBytes, buffers, signal } = deps;
  const part = layout.part(item.id);
  const download = {
    url: item.archiveUrl,
    part,
    facts: layout.partFacts(item.id),
    mayResume: deps.leftovers.has(`${item.id}.zip.part`),
    limit: deps.maxArchiveBytes,
    memory,
    onBytes,
    buffers,
  };
  const downloaded = await deps.gate(() =>
    downloadPart({ ...download, ...(signal ? { signal } : {}) }, deps),
  );
  return await checkFile(item, signature, downloaded, deps);
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

/** What was found of an archive, and which file it is. */
interface Good {
  readonly facts: Facts;
  readonly file: WrittenFile;
}

/** Checks what was downloaded, or what is in place. */
async function checkFile(
  item: PlanItem,
  signature: string | undefined,
  downloaded: Downloaded | undefined,
  deps: AcquireDeps,
): Promise<Good> {
  const { layout } = deps;
  const { id, name, version } = item;
  const file = `${id}.zip`;
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
  const locked = item.locked?.original ?? item.locked;
  const hold = (what: string, found: string | number, said: string | number | undefined): void => {
    if (locked && found !== said) {
      throw new DepotError('ARCHIVE_MISMATCH', {
        file,
        reason: `its ${what} is ${found}, the lock file says ${said}`,
      });
    }
  };
  hold('sha256', sha256, locked?.sha256);
  hold('size', size, locked?.size);
  const signatureSha256 =
    signature === undefined ? undefined : createHash('sha256').update(signature).digest('hex');
  if (locked && locked.signature?.sha256 !== signatureSha256) {
    throw new DepotError('ARCHIVE_MISMATCH', {
      file: `${file}.sig`,
      reason: 'it is another signature than the lock file says',
    });
  }
  const signer = judgeSignature(item, signature, verdict, deps);
  if (signer !== undefined && locked?.signer !== undefined) {
    hold('signer', signer, locked.signer);
  }
  const facts = {
    id,
    sha256,
    size,
    source: showUrl(item.archiveUrl),
    ...(signer === undefined ? {} : { signer }),
    ...(signature !== undefined && signatureSha256 !== undefined
      ? { signature: { sha256: signatureSha256, size: Buffer.byteLength(signature) } }
      : {}),
  };
  return { facts, file: written };
}

/** The signer's fingerprint; undefined where a signature isn't required and proves nothing. */
function judgeSignature(
  item: PlanItem,
  signature: string | undefined,
  verdict: SignatureVerdict | undefined,
  deps: AcquireDeps,
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

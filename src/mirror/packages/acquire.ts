import { readFile, unlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { DepotError } from '../../domain/errors.ts';
import { downloadPart } from '../transfer/download.ts';
import type { PackageDeps } from './deps.ts';
import { fetchSignature } from './fetch-signature.ts';
import { flushBytes } from '../transfer/gather.ts';
import type { Facts, Journal } from '../record/journal.ts';
import { judgeArchive, type GoodArchive, type JudgeDeps } from './judge-archive.ts';
import type { Layout } from '../record/layout.ts';
import type { Placing } from './place.ts';
import type { PlanItem } from '../planning/plan.ts';
import type { ReceivedBuffers } from '../transfer/received-buffers.ts';

/** What getting one package needs. */
export interface AcquireDeps extends PackageDeps, JudgeDeps {
  readonly journal: Journal;
  readonly placing: Placing;
  /** Names of the files that earlier runs left in the work folder. */
  readonly leftovers: ReadonlySet<string>;
  /** Names of the files that were in the folder at the start. */
  readonly present: ReadonlySet<string>;
  /** Bounds how many talk to the upstream at once; checking happens outside of it. */
  readonly gate: <Result>(work: () => Promise<Result>) => Promise<Result>;
  readonly onBytes: (count: number) => void;
  readonly buffers: ReceivedBuffers;
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
function refuseOther({ id, locked }: PlanItem, stripped: GoodArchive): GoodArchive {
  const { sha256 } = stripped.facts;
  if (locked && sha256 !== locked.sha256) {
    throw new DepotError('ARCHIVE_MISMATCH', {
      file: `${id}.zip`,
      reason: `its sha256 without screenshots is ${sha256}, the lock file says ${locked.sha256}, which another version of Node.js or of this program has made`,
    });
  }
  return stripped;
}

/** Facts of the archive that is there already, if it is good. */
async function checkInPlace(item: PlanItem, deps: AcquireDeps): Promise<Facts | undefined> {
  const { layout, journal } = deps;
  try {
    const signature = await readFile(layout.signature(item.id), 'utf8').catch(() => undefined);
    const { facts, file } = await judgeArchive(item, signature, undefined, deps);
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

async function fetchChecked(
  item: PlanItem,
  signature: string | undefined,
  deps: AcquireDeps,
): Promise<GoodArchive> {
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

async function fetchOnce(
  item: PlanItem,
  signature: string | undefined,
  deps: AcquireDeps,
): Promise<GoodArchive> {
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
  return await judgeArchive(item, signature, downloaded, deps);
}

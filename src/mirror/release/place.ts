import { open, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestOf } from '../../files/digest.ts';
import { writeDurably } from '../../files/durable-file.ts';
import { ensureFolder, syncFolder } from '../../files/folder.ts';
import { fileFault } from '../../files/file-fault.ts';
import type { Facts, Journal } from '../record/journal.ts';
import { endOfSignature } from '../record/kept-signature.ts';
import type { Layout } from '../record/layout.ts';
import type { ReleaseContent } from './checker.ts';
import type { ReleaseFile, ReleaseGroup } from './group.ts';
import { showUrl } from '../../net/http.ts';

/** Where files go, and what is noted of them. */
export interface PlaceDeps {
  readonly layout: Layout;
  readonly journal: Journal;
}

/** The files of a group as they are now, and which of them came. */
export interface AcquiredGroup {
  readonly facts: readonly Facts[];
  readonly fetched: readonly string[];
}

/**
 * Puts the small files and then the large one into place, each whole and on the disk before it gets its name. They are noted
 * when all are there: what a kill leaves in the middle, a new digest beside the old file, is unknown to the next run.
 */
export const placeGroup = async (
  group: ReleaseGroup,
  beside: ReadonlyMap<string, Buffer>,
  deps: PlaceDeps,
): Promise<AcquiredGroup> => {
  const fetched: string[] = [];
  const target = targetOf(group.main, deps);
  const small = group.beside.flatMap((file) => {
    const body = beside.get(file.path);
    return body ? [{ file, body }] : [];
  });
  for (const { file, body } of small) {
    if (await writeOther(file.path, body, deps)) {
      fetched.push(file.path);
    }
  }
  try {
    await ensureFolder(dirname(target));
    const part = partOf(group.main, deps);
    await rename(part, target);
    await unlink(part.replace(/\.part$/, '.json')).catch(() => {});
    await syncFolder(dirname(target));
  } catch (error) {
    throw fileFault(error, target);
  }
  const facts: Facts[] = [];
  for (const { file, body } of small) {
    facts.push(await recordSmall(file, body, deps));
  }
  return { facts, fetched };
};

/** Writes a small file unless the very same is there; true where it was written. */
export const writeOther = async (path: string, body: Buffer, deps: PlaceDeps): Promise<boolean> => {
  const target = join(deps.layout.folder, path);
  const present = await readSame(target, body.length);
  if (present?.equals(body)) {
    return false;
  }
  try {
    await ensureFolder(dirname(target));
    await writeDurably(target, body, { temporary: join(deps.layout.work, `${flatName(path)}.new`) });
  } catch (error) {
    throw fileFault(error, target);
  }
  return true;
};

const readSame = async (file: string, size: number): Promise<Buffer | undefined> => {
  const handle = await open(file).catch(() => undefined);
  try {
    return handle && (await handle.stat()).size === size ? await handle.readFile() : undefined;
  } finally {
    await handle?.close();
  }
};

/** Notes a small file that is in place. */
export const recordSmall = async (
  file: ReleaseFile,
  body: Buffer,
  deps: PlaceDeps,
  more: Pick<Facts, 'fingerprints'> = {},
): Promise<Facts> => {
  const facts: Facts = {
    id: file.path,
    sha256: digestOf(body),
    size: body.length,
    ...more,
    source: sourceOf(file),
  };
  await deps.journal.record(facts, await stat(targetOf(file, deps)));
  return facts;
};

/** Notes a large file that is in place. */
export const recordMain = async (
  file: ReleaseFile,
  content: ReleaseContent,
  signer: string | undefined,
  deps: PlaceDeps,
): Promise<Facts> => {
  const { sha256, sha512, size } = content;
  const isArtifact = file.path.startsWith('downloads/') && !file.path.startsWith('downloads/endpoint/');
  const facts: Facts = {
    id: file.path,
    sha256,
    ...(isArtifact ? { sha512 } : {}),
    size,
    ...(signer === undefined ? {} : { signer, ...endOfSignature(content.verdict) }),
    source: sourceOf(file),
  };
  await deps.journal.record(facts, await stat(targetOf(file, deps)));
  return facts;
};

/** The same set made again from a mirror keeps its lock file. */
const sourceOf = ({ url, locked }: ReleaseFile): string => locked?.source ?? showUrl(url);

// No path has a `~`, so that no two paths get one name.
const flatName = (path: string): string => path.replaceAll('/', '~');
/** Where a file is in the end. */
export const targetOf = ({ path }: ReleaseFile, { layout }: PlaceDeps): string => join(layout.folder, path);
/** Where it grows. */
export const partOf = ({ path }: ReleaseFile, { layout }: PlaceDeps): string =>
  join(layout.work, `${flatName(path)}.part`);

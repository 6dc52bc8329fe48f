import { readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileProblem, unreadable } from '../archive/file-problem.ts';
import { isGone } from '../domain/system-error.ts';
import type { Log } from '../telemetry/log.ts';
import { isArmoredSignature, maxSignatureBytes } from './armor.ts';
import { isArtifactFolder } from './artifact-folder.ts';
import { createFileOpener } from './file-opener.ts';
import { liesBelow, listRoot, type RootedSource } from './rooted-source.ts';
import { itemKind, listFolder } from './root-folder.ts';
import { fileStamp, modifiedAt, openServedFile, servedBytes } from './served-file.ts';
import type { ArchiveLimits, PackageRef, ServedFile, SourceProblem } from './source.ts';
import { openZipPackage } from './zip-package.ts';

/** How many files are asked for their size and times at once; the disk's queue, not the processor, is what waits. */
const statWidth = 16;

/** An archive as the walk finds it. */
interface FoundZip {
  readonly path: string;
  readonly label: string;
  readonly hasSignature: boolean;
}

/**
 * The source of every `*.zip` below a folder, at any depth, each with the `.sig` beside it, in the order of their paths.
 * Symlinks are followed; a folder that is reached twice is walked once. Hidden files and folders are skipped.
 */
export const createZipFolderSource = (path: string, limits: ArchiveLimits, log: Log): RootedSource => {
  const root = resolve(path);
  const opener = createFileOpener();
  return {
    location: root,
    owns: (ref) => ref.kind === 'zip' && liesBelow(ref, root),
    list: () =>
      listRoot(root, { what: 'archives', find: findZips, describe: describeZip, width: statWidth }, log),
    open: (ref) => openZipPackage(ref.path, limits),
    openArchive: (ref) => openServedFile(opener, ref.path, ref.label),
    openSignature,
    // Nothing is kept between requests.
    close: () => Promise.resolve(),
  };
};

const findZips = async (root: string): Promise<{ found: FoundZip[]; problems: SourceProblem[] }> => {
  const found: FoundZip[] = [];
  const problems: SourceProblem[] = [];
  const walked = new Set<string>();

  const walk = async (folder: string, real: string, prefix: string): Promise<void> => {
    if (walked.has(real)) {
      return;
    }
    walked.add(real);
    const { items, problem } = await listFolder(folder);
    if (items === undefined) {
      problems.push({
        path: folder,
        label: prefix.slice(0, -1),
        reason: problem,
        severity: 'quarantine',
        // Gone since it was asked a moment ago.
        ...(folder === root && { isRoot: true }),
      });
      return;
    }
    const names = new Set(items.map((item) => item.name));
    for (const item of items) {
      const itemPath = join(folder, item.name);
      const label = prefix + item.name;
      const isZip = item.name.endsWith('.zip');
      const kind = await itemKind(itemPath, item);
      if (kind === 'folder' && isArtifactFolder(label)) {
        continue;
      }
      if (kind === 'folder') {
        await walk(
          itemPath,
          item.isSymbolicLink() ? await realpath(itemPath) : join(real, item.name),
          `${label}/`,
        );
      } else if (isZip && kind === 'file') {
        found.push({ path: itemPath, label, hasSignature: names.has(`${item.name}.sig`) });
      } else if (isZip) {
        const reason =
          kind === 'other' ? 'it is not a regular file' : 'its symlink leads nowhere, or cannot be followed';
        problems.push({ path: itemPath, label, reason, severity: 'quarantine' });
      }
    }
  };

  await walk(root, await realpath(root), '');
  return { found, problems };
};

/** One archive by its path, with the `.sig` beside it, as the source of its folder would find it. */
export const findZip = async (path: string): Promise<PackageRef | SourceProblem> => {
  const { items } = await listFolder(dirname(path));
  const name = basename(path);
  const hasSignature = items?.some((item) => item.name === `${name}.sig`) ?? false;
  return describeZip({ path, label: name, hasSignature });
};

const describeZip = async (zip: FoundZip): Promise<PackageRef | SourceProblem> => {
  const { path, label } = zip;
  try {
    const stats = await stat(path, { bigint: true });
    const signature = zip.hasSignature ? await describeSignature(`${path}.sig`) : undefined;
    return {
      kind: 'zip',
      path,
      label,
      stamp: fileStamp(stats),
      size: Number(stats.size),
      modifiedAt: modifiedAt(stats),
      ...(signature && { signature }),
    };
  } catch (error) {
    return {
      path,
      label,
      reason: `the archive cannot be read: ${fileProblem(error)}`,
      severity: 'quarantine',
    };
  }
};

// A signature that vanished meanwhile, or whose link is broken, is one that isn't there.
const describeSignature = async (path: string): Promise<PackageRef['signature']> => {
  try {
    const stats = await stat(path, { bigint: true });
    return stats.isFile()
      ? { path, stamp: fileStamp(stats), size: Number(stats.size), modifiedAt: modifiedAt(stats) }
      : undefined;
  } catch {
    return undefined;
  }
};

const openSignature = async (ref: PackageRef): Promise<ServedFile | undefined> => {
  const { signature } = ref;
  if (signature === undefined) {
    return undefined;
  }
  try {
    const stats = await stat(signature.path, { bigint: true });
    if (!stats.isFile() || stats.size > BigInt(maxSignatureBytes)) {
      return undefined;
    }
    const bytes = await readFile(signature.path);
    return isArmoredSignature(bytes) ? servedBytes(bytes, modifiedAt(stats)) : undefined;
  } catch (error) {
    if (isGone(error)) {
      return undefined;
    }
    throw unreadable(`${ref.label}.sig`, error, { path: signature.path });
  }
};

import type { Stats } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { digestFile } from '../files/digest.ts';
import { reasonOf } from '../files/errno.ts';
import type { Depot } from './depot.ts';
import type { Findings } from './finding.ts';

/** What stands in the store of a depot, every byte of it read. */
export interface InspectedContents {
  /** Digests by which contents are stored, whatever their bytes are. */
  readonly stored: ReadonlySet<string>;
  /** The SHA-256 of a file's bytes; where it is a stored content by a hard link, nothing is read again. */
  digestOf(file: string): Promise<string>;
  /** Bytes that were read and hashed up to now. */
  bytes(): number;
}

/** Reads every stored content and tells of those that aren't what their names say. */
export const inspectContents = async (
  { content, layout }: Depot,
  findings: Findings,
  progress: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<InspectedContents> => {
  let bytes = 0;
  const hash = async (file: string): Promise<string> => {
    const { sha256, size } = await digestFile(file, signal);
    progress((bytes += size));
    return sha256;
  };
  const digests = await content.list();
  const inodes = new Map<string, string>();
  for (const digest of digests) {
    const file = layout.contentFile(digest);
    try {
      const sha256 = await hash(file);
      inodes.set(inodeOf(await lstat(file)), sha256);
      if (sha256 !== digest) {
        findings.damage(file, `its SHA-256 is ${sha256}`);
      }
    } catch (error) {
      signal?.throwIfAborted();
      findings.damage(file, `it can't be read: ${reasonOf(error)}`);
    }
  }
  return {
    stored: new Set(digests),
    digestOf: async (file) => inodes.get(inodeOf(await lstat(file))) ?? hash(file),
    bytes: () => bytes,
  };
};

const inodeOf = ({ dev, ino }: Stats): string => `${dev}:${ino}`;

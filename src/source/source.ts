import type { Readable } from 'node:stream';

/** A package that a source has found but not read yet. Plain data: it is sent to other processes as it is. */
export interface PackageRef {
  readonly kind: 'zip' | 'folder';
  /** Absolute path of the archive or of the version folder. */
  readonly path: string;
  /** How people see it: the path below the source's location, with `/`. */
  readonly label: string;
  /** Name and version that the folder's place promises; a zip promises them by its top folder. */
  readonly expected?: { readonly name: string; readonly version: string };
  /** Changes whenever the content may have changed: size, times and inode of the archive (of all files for a folder). */
  readonly stamp: string;
  /** Bytes of the archive, or of all files of the folder. */
  readonly size: number;
  /** Milliseconds since 1970 of the newest change. */
  readonly modifiedAt: number;
  /** The `.sig` beside an archive, where there is one. */
  readonly signature?: {
    readonly path: string;
    readonly stamp: string;
    readonly size: number;
    readonly modifiedAt: number;
  };
}

/** Something in a source that is not taken, and why. */
export interface SourceProblem {
  readonly path: string;
  readonly label: string;
  readonly reason: string;
  /** `quarantine` is a broken package; `ignored` is something that was never one (stray file, odd folder name). */
  readonly severity: 'quarantine' | 'ignored';
  /** True for a package path itself that is missing or can't be listed. */
  readonly isRoot?: boolean;
}

/** All that a source has now. Zips come before folders, each in the order of their paths. */
export interface SourceListing {
  readonly refs: readonly PackageRef[];
  readonly problems: readonly SourceProblem[];
}

/** One file of a package. Paths are below the package's root, with `/`, never with `..`. */
export interface PackageEntry {
  readonly path: string;
  /** Bytes, uncompressed. */
  readonly size: number;
  /** CRC-32 as the archive declares it (checked on every read); absent for a folder. */
  readonly crc32?: number;
}

/** A deflated entry as it lies in the archive, so that it can be sent as gzip without compressing it again. */
export interface DeflatedEntry {
  readonly bytes: Buffer;
  readonly size: number;
  readonly crc32: number;
}

/** The files of one package, open. Every read checks size and CRC and honours the limits. */
export interface PackageFiles {
  /** `{name}-{version}` of a zip's top folder; undefined for a folder. */
  readonly topFolder: string | undefined;
  /** How many files there are. */
  readonly count: number;
  /** Every file, no folders, in the source's own order. */
  readonly entries: readonly PackageEntry[];
  /** Folders that the source declares, without trailing slash: of an archive those that have an entry, as the reference sees it. */
  readonly folders: readonly string[];
  has(path: string): boolean;
  /** The whole content. Throws DepotError RESOURCE_UNKNOWN, ZIP_INVALID or LIMIT_EXCEEDED. */
  read(path: string): Promise<Buffer>;
  /** The deflated bytes, or undefined where the entry isn't stored deflated. The caller must trust the CRC: call read() first. */
  readDeflated(path: string): Promise<DeflatedEntry | undefined>;
  close(): Promise<void>;
}

/** A file that is sent to clients: an archive or a signature. Opened and checked before any header goes out. */
export interface ServedFile {
  readonly size: number;
  readonly modifiedAt: Date;
  /** Strong validator without quotes; equal only for equal bytes. */
  readonly etag: string;
  /** Bytes `start` to `end`, both included, of the file that was opened, even if the path has another one by now. */
  stream(start: number, end: number): Readable;
  /**
   * Reads at most `length` bytes at `position` into the buffer's beginning, at least one. Where it is there, a large file is
   * sent from a few buffers that are used again and again. The last piece is given only if the file is what it was opened as.
   */
  readInto?(buffer: Buffer, length: number, position: number, isLast?: boolean): Promise<number>;
  close(): Promise<void>;
}

/** A place that packages come from. Every implementation passes test/contract/source.ts. */
export interface PackageSource {
  /** Path or address, for logs and metrics. */
  readonly location: string;
  list(): Promise<SourceListing>;
  /** Where the paths lead at this moment: another text once a symlink on the way to one was swapped. */
  places?(): Promise<string>;
  /** These three throw FILE_UNREADABLE, or SOURCE_LOST where the package is gone because all of its package path is. */
  open(ref: PackageRef): Promise<PackageFiles>;
  openArchive(ref: PackageRef): Promise<ServedFile>;
  /** Undefined where there is none or it is not an ASCII-armored OpenPGP signature. */
  openSignature(ref: PackageRef): Promise<ServedFile | undefined>;
  /** Gives back what is kept for the next request; running answers end as they began. */
  close(): Promise<void>;
}

/** Bounds of what is read from a package; each is a setting. */
export interface ArchiveLimits {
  /** Entries of one archive. */
  readonly maxEntries: number;
  /** Bytes of one file, uncompressed. */
  readonly maxEntryBytes: number;
  /** Bytes of all files of one package, uncompressed. */
  readonly maxTotalBytes: number;
  /** Uncompressed bytes for each compressed byte of one entry above 1 MiB. */
  readonly maxRatio: number;
  /** Bytes of a manifest or another YAML or JSON file that is parsed. */
  readonly maxManifestBytes: number;
}

import type { SignatureVerdict } from '../signing/signature.ts';
import type { FoundFile } from './inventory.ts';

/** A file that is to be read whole. Plain data: it is sent to a worker thread. */
export interface ContentTask {
  readonly path: string;
  /** The signature is verified only where the digest is this one. */
  readonly expected?: string;
  /** Armored. */
  readonly signature?: string;
  /** Armored public keys. */
  readonly keys: readonly string[];
  /** Also wants the SHA-256, by which Defend's manifests call their files. */
  readonly sha256?: boolean;
}

/** A file whose content must be read. */
export interface PendingContent {
  readonly file: FoundFile;
  readonly task: ContentTask;
}

/** What reading found. */
export interface ContentFacts {
  /** Of the file that was read, which may be another one than was asked for. */
  readonly stamp: string;
  /** Lower-case hex. */
  readonly sha512: string;
  /** Where it was asked for. */
  readonly sha256?: string;
  readonly verdict?: SignatureVerdict;
}

/** Reads files beside everything else that goes on. */
export interface ContentChecker {
  /** Rejects where the file can't be read. */
  check(task: ContentTask): Promise<ContentFacts>;
  close(): Promise<void>;
}

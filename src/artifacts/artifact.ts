import { posix } from 'node:path';
import { sidecarOf } from './artifact-name.ts';
import type { FoundFile } from './inventory.ts';
import { mounts } from './mounts.ts';

/** What a served file is. */
export type ArtifactKind =
  | 'package'
  | 'sha512'
  | 'signature'
  | 'defend'
  | 'key'
  | 'model'
  | 'product-doc'
  | 'other';

/** `unchecked`: its digest is being computed. `quarantined`: agents would fail with it, or it isn't what its name says. */
export type ArtifactState = 'good' | 'unchecked' | 'quarantined';

/** What is done with a file in quarantine: `strict` keeps it from clients, `lenient` serves it with a warning in the log. */
export type ArtifactPolicy = 'strict' | 'lenient';

/** A file with what is known of it. Immutable; a change makes a new one. */
export interface Artifact {
  /** As it is asked for, decoded: `/downloads/beats/elastic-agent/elastic-agent-9.2.1-linux-x86_64.tar.gz`. */
  readonly path: string;
  readonly kind: ArtifactKind;
  /** Where it lies on disk. */
  readonly absolute: string;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number;
  readonly stamp: string;
  readonly state: ArtifactState;
  /** Why it is in quarantine: clauses that continue its name. */
  readonly reasons: readonly string[];
  /** What should be known of a file that is served all the same. */
  readonly warnings: readonly string[];
  /** SHA-512 of the content, lower-case hex, where it is known. */
  readonly digest?: string;
  /** Fingerprint of the key that signed it, where that was verified. */
  readonly signedBy?: string;
  /** Milliseconds since 1970 until which the signature counts, where it has an end of its own. */
  readonly signedUntil?: number;
  /** Of what was good before: until when clients are asked to come again, in milliseconds by a clock that nobody sets. */
  readonly awaitedUntil?: number;
}

/** What the judges of one kind of file find out. */
export type Judgement = Pick<
  Artifact,
  'state' | 'reasons' | 'warnings' | 'digest' | 'signedBy' | 'signedUntil'
>;

/** A judgement of a file without faults. */
export const good = (more: Partial<Judgement> = {}): Judgement => ({
  state: 'good',
  reasons: [],
  warnings: [],
  ...more,
});

/** A judgement of a file that clients must not get. */
export const quarantined = (reasons: readonly string[], more: Partial<Judgement> = {}): Judgement => ({
  state: 'quarantined',
  reasons,
  warnings: [],
  ...more,
});

/** Puts a file and its judgement together. */
export const artifactOf = (
  mount: string,
  file: FoundFile,
  kind: ArtifactKind,
  judgement: Judgement,
): Artifact => ({
  path: mount + file.path,
  kind,
  absolute: file.absolute,
  size: file.size,
  modifiedAt: file.modifiedAt,
  stamp: file.stamp,
  ...judgement,
});

/** A sidecar shares the fate of its artifact: agents ask all three or none. */
export const sidecarArtifact = (file: FoundFile, artifact: Artifact | undefined): Artifact => {
  const kind = sidecarOf(file.path)?.end === '.asc' ? 'signature' : 'sha512';
  if (!artifact) {
    return artifactOf(mounts.downloads, file, kind, quarantined(['has no artifact beside it']));
  }
  return artifactOf(
    mounts.downloads,
    file,
    kind,
    artifact.state === 'quarantined'
      ? quarantined([`belongs to ${posix.basename(artifact.path)}, which is in quarantine`])
      : { state: artifact.state, reasons: [], warnings: [] },
  );
};

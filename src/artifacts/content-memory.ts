import { createHash } from 'node:crypto';
import { expiredReason } from '../signing/signature.ts';
import type { ContentFacts, ContentTask } from './content-check.ts';
import type { DigestMemory } from './digest-memory.ts';
import type { FoundFile } from './inventory.ts';
import type { TrustedKeys } from './trusted-keys.ts';

/** False where the file's change time is another than when it was read, as after a hard link, or after a hidden change. */
export const isReadSince = (file: FoundFile, memory: DigestMemory): boolean =>
  memory.get(`${file.path}#read`, file.stamp) === file.changeStamp;

/** Remembers what reading found: the digest by the file, the verdict by file, signature and keys. */
export const rememberContent = (
  file: FoundFile,
  task: ContentTask,
  keys: TrustedKeys,
  found: Pick<ContentFacts, 'sha512' | 'sha256' | 'verdict'>,
  memory: DigestMemory,
): void => {
  memory.set(file.path, file.stamp, found.sha512);
  memory.set(`${file.path}#read`, file.stamp, file.changeStamp);
  if (found.sha256 !== undefined) {
    memory.set(`${file.path}#sha256`, file.stamp, found.sha256);
  }
  if (found.verdict && task.signature !== undefined) {
    const { verdict } = found;
    memory.set(
      `${file.path}#signature`,
      signatureStamp(file, task.signature),
      verdict.state === 'good'
        ? [
            'good',
            verdict.fingerprint,
            keys.stampOf(verdict.fingerprint) ?? '',
            ...(verdict.expiresAt ? [verdict.expiresAt.getTime()] : []),
          ].join(' ')
        : `${verdict.state} ${keys.stamp} ${verdict.reason}`,
    );
  }
};

/** A remembered verdict on a signature: who signed and until when that counts (milliseconds), or why agents would refuse it. */
export type Verdict =
  | { readonly signedBy: string; readonly signedUntil?: number }
  | { readonly reason: string };

/**
 * Undefined where nothing is known, or no longer true: a good one needs the same key as then, another the same set of keys. One
 * that has ended since is refused without reading the file again.
 */
export const recallVerdict = (
  file: FoundFile,
  signature: string,
  keys: TrustedKeys,
  memory: DigestMemory,
  now: number,
): Verdict | undefined => {
  const text = memory.get(`${file.path}#signature`, signatureStamp(file, signature));
  const [state = '', subject = '', ...rest] = text?.split(' ') ?? [];
  if (state === 'good') {
    const [stamp, end] = rest;
    if (stamp === undefined || keys.stampOf(subject) !== stamp) {
      return undefined;
    }
    if (end === undefined) {
      return { signedBy: subject };
    }
    const signedUntil = Number(end);
    return signedUntil > now
      ? { signedBy: subject, signedUntil }
      : { reason: expiredReason(new Date(signedUntil)) };
  }
  return subject === keys.stamp ? { reason: rest.join(' ') } : undefined;
};

const signatureStamp = (file: FoundFile, signature: string): string =>
  `${file.stamp}/${createHash('sha256').update(signature).digest('base64url').slice(0, 22)}`;

import type { SignaturePacket } from 'openpgp';
import { issuerOf } from './detached.ts';
import type { SigningKey } from './digest-check.ts';
import type { KeyCondition } from './key-condition.ts';
import type { KeyFacts } from './key-facts.ts';
import { expiredReason, type SignatureFault, type SignatureVerdict } from './signature.ts';

/**
 * `refuse` takes nothing from a key that has expired by now. `signed-before` takes what the key signed while it was valid, as
 * Kibana does.
 */
export type ExpiredKeys = 'refuse' | 'signed-before';

/** A signature whose digest was checked. */
export interface CheckedSignature {
  readonly packet: SignaturePacket;
  readonly signer: SigningKey;
  /** Why the library finds it wrong; undefined where it finds it right. */
  readonly failure: string | undefined;
}

/** The verdict of a signature that isn't good. */
export const faultOf = (
  state: SignatureFault,
  reason: string,
  issuer?: string,
  until?: Date,
): SignatureVerdict => ({
  state,
  ...(issuer === undefined ? {} : { issuer }),
  reason,
  ...(until === undefined ? {} : { until }),
});

/**
 * The verdict by what the digest came to, what the keys are worth at `now`, and the times that the signature says. Everything that
 * isn't told apart is bad, never good.
 */
export const concludeOn = async (
  { packet, signer, failure }: CheckedSignature,
  facts: KeyFacts,
  now: Date,
  expiredKeys: ExpiredKeys = 'refuse',
): Promise<SignatureVerdict> => {
  const issuer = issuerOf(packet);
  const signedAt = packet.created ?? now;
  const isOther = failure !== undefined && /digest|Signature verification failed/.test(failure);
  const isExpiredFine = expiredKeys === 'signed-before' && (failure === undefined || isOther);
  const ends: Date[] = [];
  // What the key is worth comes before the content: a signature alone can be refused before its archive is fetched.
  for (const part of new Set([signer.primary, signer.part])) {
    const condition = await facts.condition(part, now);
    const fault = faultOfKey(condition, isExpiredFine, signedAt, issuer);
    if (fault !== undefined) {
      return fault;
    }
    ends.push(...(condition.until ? [condition.until] : []));
  }
  if (isOther) {
    return faultOf('bad', 'the content is not what was signed', issuer);
  }
  const end = packet.getExpirationTime();
  if (end instanceof Date && end <= now) {
    return faultOf('expired-signature', expiredReason(end), issuer);
  }
  if (signedAt > now) {
    const clock = `which is in the future for this machine's clock (${now.toISOString()})`;
    return faultOf('bad', `signed on ${signedAt.toISOString()}, ${clock}`, issuer, signedAt);
  }
  if (failure !== undefined) {
    return faultOf('bad', failure, issuer);
  }
  const expiresAt = end instanceof Date ? { expiresAt: end } : {};
  const [until] = [...ends, ...Object.values(expiresAt)].toSorted((a, b) => a.getTime() - b.getTime());
  return {
    state: 'good',
    fingerprint: signer.primary.getFingerprint().toUpperCase(),
    signedAt,
    ...expiresAt,
    ...(until ? { until } : {}),
  };
};

const faultOfKey = (
  { state, reason, until }: KeyCondition,
  isExpiredFine: boolean,
  signedAt: Date,
  issuer: string,
): SignatureVerdict | undefined => {
  if (state === 'revoked') {
    return faultOf('revoked-key', reason ?? 'the key was revoked', issuer);
  }
  if (state === 'invalid') {
    return faultOf('bad', reason ?? 'the key is invalid', issuer, until);
  }
  if (state === 'expired' && !isExpiredFine) {
    const why = `${reason ?? 'the key expired'} (signed on ${signedAt.toISOString()})`;
    return faultOf('expired-key', why, issuer);
  }
  return undefined;
};

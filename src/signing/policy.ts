import type { SignatureVerdict } from './signature.ts';

/** `present`: there must be a signature (the reference's rule); `verified`: a trusted one; `off`: none is needed. */
export type SignaturePolicy = 'present' | 'verified' | 'off';

/** Whether signatures by other keys than the one that Kibana trusts are shown. */
export type ForeignSignatures = 'hide' | 'serve';

/** The serving rules. */
export interface SignatureRules {
  readonly policy: SignaturePolicy;
  readonly foreign: ForeignSignatures;
  /** Full fingerprint of the one key that Kibana trusts: Elastic's, or the site's. */
  readonly kibanaKey: string;
}

/** What is known of one package's signature. */
export interface SignatureFacts {
  /** A `.sig` lies beside the archive. */
  readonly present: boolean;
  /** It is an ASCII-armored detached signature. */
  readonly armored: boolean;
  /** The issuer as the signature names it (`readIssuer`): a fingerprint, or a key id of 16 digits. */
  readonly issuer?: string;
  /** The check against the keyring; only the policy `verified` asks for it. */
  readonly verdict?: SignatureVerdict;
}

/** What the registry does with one package. */
export interface SignatureDecision {
  readonly served: boolean;
  /** Why it is in quarantine; undefined where it is served. */
  readonly reason?: string;
  /** Whether `signature_path` is in the answers and the `.sig` is served. */
  readonly showSignature: boolean;
  /** When it has to be decided anew though nothing changes (milliseconds since 1970). */
  readonly until?: number;
}

/**
 * Decides what becomes of a package by its signature. A signature that isn't armor is never shown: Kibana then fails
 * the install even when it is forced. A foreign one makes Kibana refuse, a hidden one leaves the package "unknown",
 * which it installs.
 */
export const decideSignature = (rules: SignatureRules, facts: SignatureFacts): SignatureDecision => {
  const reason = refusal(rules.policy, facts);
  const until = facts.verdict?.until === undefined ? {} : { until: facts.verdict.until.getTime() };
  if (reason !== undefined) {
    return { served: false, reason, showSignature: false, ...until };
  }
  const shown =
    facts.present && facts.armored && (rules.foreign === 'serve' || !isForeign(rules.kibanaKey, facts));
  return { served: true, showSignature: shown, ...until };
};

const refusal = (policy: SignaturePolicy, facts: SignatureFacts): string | undefined => {
  if (policy === 'off') {
    return undefined;
  }
  if (!facts.present) {
    return policy === 'verified'
      ? 'it has no signature, and -signature-policy is verified'
      : 'it has no signature, and -require-package-signatures is on (-signature-policy)';
  }
  if (!facts.armored) {
    return 'its .sig file is no ASCII-armored OpenPGP signature (-signature-policy)';
  }
  if (policy === 'present' || facts.verdict?.state === 'good') {
    return undefined;
  }
  return facts.verdict === undefined
    ? 'signature: not verified'
    : `signature ${facts.verdict.state}: ${facts.verdict.reason}`;
};

// A verified fingerprint is the primary key's. An unproven issuer may be a key id, which ends a version 4 fingerprint.
const isForeign = (kibanaKey: string, facts: SignatureFacts): boolean => {
  if (facts.verdict?.state === 'good') {
    return facts.verdict.fingerprint !== kibanaKey;
  }
  const issuer = facts.issuer;
  return (
    issuer === undefined ||
    !(kibanaKey.length === 64 ? kibanaKey.startsWith(issuer) : kibanaKey.endsWith(issuer))
  );
};

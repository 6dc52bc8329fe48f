import { createHash } from 'node:crypto';

/** The content codings that answers are kept in. */
export type Encoding = 'identity' | 'gzip';

/** The bytes of an answer in one encoding. `etag` is a strong validator of exactly these bytes, with its quotes. */
export interface Body {
  readonly bytes: Buffer;
  readonly etag: string;
}

export function createBody(bytes: Buffer): Body {
  return { bytes, etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 27)}"` };
}

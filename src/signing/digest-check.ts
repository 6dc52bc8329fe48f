import { Readable } from 'node:stream';
import type { Key, SignaturePacket, Subkey } from 'openpgp';
import { messageOf } from '../domain/errors.ts';
import { signatureOf } from './detached.ts';
import { unreadableFile } from './file-problem.ts';
import { minRSABits } from './key-condition.ts';
import type { KeyFacts } from './key-facts.ts';
import type { OpenpgpModule } from './openpgp.ts';
import { digestSigned, signedHash, type PlainSignatures } from './plain-signature.ts';
import type { SignatureVerifier } from './signature.ts';

/** What a signature is over. */
export type SignedData = Parameters<SignatureVerifier['verify']>[0];

/** What one verifier keeps from check to check. */
export interface Tools {
  readonly openpgp: OpenpgpModule;
  readonly keys: readonly Key[];
  readonly facts: KeyFacts;
  readonly plain: PlainSignatures;
}

/** The key of the keyring that a signature names, and which part of it signed. */
export interface SigningKey {
  readonly primary: Key;
  readonly part: Key | Subkey;
}

// Elastic's key got a new self-signature (SHA-256) in 2023: without this every older package would be "bad". Kibana
// does the same. The key then has to be valid now, which is what is asked of every key here anyway.
const config = { minRSABits, allowInsecureVerificationWithReformattedKeys: true };

/** Undefined where the library finds the signature right, or would; its reason otherwise. */
export const checkDigest = async (
  { openpgp, plain }: Tools,
  data: SignedData,
  packet: SignaturePacket,
  signer: SigningKey,
  date: Date,
): Promise<string | undefined> => {
  const hash = signedHash(openpgp, packet);
  if (!hash || data instanceof Readable || packet.signatureData === null || packet.version !== 4) {
    return askLibrary(openpgp, streamOf(data), packet, signer, date);
  }
  const digest = digestSigned(hash, data, packet.signatureData);
  if (await plain.areGood({ packet, ...signer, hash, digest, date, config })) {
    return undefined;
  }
  // The library's own place for a digest that was made before (it uses it for signatures that come after their
  // data). All its other checks stay; but it would copy and hash the data, with RSA twice.
  Object.assign(packet, { hashed: new Uint8Array(digest) });
  return askLibrary(openpgp, nothing, packet, signer, date);
};

const askLibrary = async (
  openpgp: OpenpgpModule,
  data: Readable | Uint8Array,
  packet: SignaturePacket,
  signer: SigningKey,
  date: Date,
): Promise<string | undefined> => {
  const binary = data instanceof Readable ? Readable.toWeb(data) : data;
  const message = await openpgp.createMessage({ binary: binary as Uint8Array });
  const result = await openpgp.verify({
    message,
    signature: signatureOf(openpgp, packet),
    verificationKeys: signer.primary,
    format: 'binary',
    date,
    config,
  });
  if (data instanceof Readable) {
    // The data must be drained before the result is awaited, or both wait for each other for ever.
    try {
      await (result.data as unknown as ReadableStream<Uint8Array>).pipeTo(new WritableStream());
    } catch (error) {
      throw unreadableFile(pathOf(data), error);
    }
  }
  const first = result.signatures[0];
  if (first === undefined) {
    return 'the armor has no signature that can be read';
  }
  return first.verified.then(
    () => undefined,
    (error: unknown) => messageOf(error),
  );
};

const nothing = new Uint8Array(0);

/** Data as the library takes it. A piece may be overwritten by the next, so that a stream needs its own. */
const streamOf = (data: SignedData): Readable | Uint8Array =>
  data instanceof Readable || data instanceof Uint8Array
    ? data
    : Readable.from(copies(data.pieces()), { objectMode: false });

function* copies(pieces: Iterable<Uint8Array>): Generator<Buffer> {
  for (const piece of pieces) {
    yield Buffer.from(piece);
  }
}

const pathOf = (stream: Readable): string =>
  'path' in stream && typeof stream.path === 'string' ? stream.path : 'data';

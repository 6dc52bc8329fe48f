import { openZip } from '../../archive/zip-reader.ts';
import { parseArtifactName } from '../../artifacts/artifact-name.ts';
import { isWebPage, magicProblem } from '../../artifacts/file-magic.ts';
import { parseSha512File } from '../../artifacts/sha512-file.ts';
import { DepotError } from '../../domain/errors.ts';
import { asObject, parseJson } from '../../domain/json-tree.ts';
import { createVerifier, fixedKeys } from '../../signing/verifier.ts';
import type { ReleaseContent } from './checker.ts';
import type { ReleaseGroup } from './group.ts';
import { isSignatureNeeded } from './keys.ts';

/** What judging needs. */
export interface JudgeDeps {
  /** Armored keys. */
  readonly keys: readonly string[];
  readonly requireSignature: boolean;
  readonly onWarning: (label: string, reason: string) => void;
}

const mismatch = (file: string, reason: string): DepotError =>
  new DepotError('ARCHIVE_MISMATCH', { file, reason });
const refused = (file: string, reason: string): DepotError =>
  new DepotError('SIGNATURE_REFUSED', { file, reason });

/** States of a signature that no content can change. */
const hopeless = new Set(['missing', 'malformed', 'unknown-key', 'weak', 'expired-key', 'revoked-key']);

/**
 * Judges a small file by itself, before the large one that it belongs to is fetched: a digest that agents can't read, a
 * signature that can never be good. Throws DepotError ARCHIVE_MISMATCH or SIGNATURE_REFUSED.
 */
export const judgeBeside = async (path: string, body: Buffer, deps: JudgeDeps): Promise<void> => {
  if (path.endsWith('.sha512')) {
    const { problem } = parseSha512File(body, nameOf(path).slice(0, -'.sha512'.length));
    if (problem !== undefined) {
      throw mismatch(path, `it ${problem}`);
    }
  } else if (path.endsWith('.asc')) {
    if (isWebPage(body)) {
      throw refused(path, 'what came is a web page, not a signature');
    }
    const verdict = await createVerifier(fixedKeys(deps.keys)).verify(
      new Uint8Array(0),
      body.toString('latin1'),
    );
    const matters =
      isSignatureNeeded(path, deps) || verdict.state === 'malformed' || verdict.state === 'weak';
    if (verdict.state !== 'good' && hopeless.has(verdict.state) && matters) {
      throw refused(path, verdict.reason);
    }
  } else if (readObject(body) === undefined) {
    throw mismatch(path, isWebPage(body) ? 'what came is a web page, not JSON' : 'it is no JSON');
  }
};

/**
 * Judges the large file of a group by what lies beside it. Returns the fingerprint of who signed it, where that is known.
 * Throws DepotError ARCHIVE_MISMATCH or SIGNATURE_REFUSED.
 */
export const judgeMain = async (
  group: ReleaseGroup,
  place: string,
  content: ReleaseContent,
  beside: ReadonlyMap<string, Buffer>,
  deps: JudgeDeps,
): Promise<string | undefined> => {
  const { path, locked } = group.main;
  const { kind, expected } = group;
  if (isWebPage(content.beginning)) {
    throw mismatch(path, 'what came is a web page or an error message, not the file');
  }
  let signer: string | undefined;
  if (kind === 'artifact') {
    signer = judgeArtifact(path, content, beside, deps);
  } else if (kind === 'model') {
    const metadata = readObject(beside.get(path.replace(/\.pt$/, '.metadata.json')));
    const { sha256, size } = (metadata ?? {}) as { readonly sha256?: unknown; readonly size?: unknown };
    judgeContent(path, content, 'its .metadata.json', {
      sha256: typeof sha256 === 'string' && /^[0-9a-f]{64}$/i.test(sha256) ? sha256.toLowerCase() : undefined,
      size: typeof size === 'number' ? size : undefined,
    });
  } else if (kind === 'docs') {
    await judgeDocs(path, place);
  } else if (expected) {
    judgeContent(path, content, 'the manifest', expected);
  }
  if (locked && locked.sha256 !== content.sha256) {
    throw mismatch(path, `its sha256 is ${content.sha256}, the lock file says ${locked.sha256}`);
  }
  return signer;
};

const judgeArtifact = (
  path: string,
  content: ReleaseContent,
  beside: ReadonlyMap<string, Buffer>,
  deps: JudgeDeps,
): string | undefined => {
  const type = parseArtifactName(nameOf(path))?.type;
  const odd = type === undefined ? undefined : magicProblem(type, content.beginning.subarray(0, 64));
  if (odd !== undefined) {
    throw mismatch(path, `it ${odd}`);
  }
  const { digest } = parseSha512File(beside.get(`${path}.sha512`) ?? Buffer.alloc(0), nameOf(path));
  if (digest !== content.sha512) {
    throw mismatch(
      path,
      `its content (${content.size} bytes) has another digest than its .sha512 says: ${content.sha512.slice(0, 16)}…, not ${digest?.slice(0, 16)}…`,
    );
  }
  const { verdict } = content;
  if (verdict?.state === 'good') {
    return verdict.fingerprint;
  }
  const asc = `${path}.asc`;
  // A key that isn't known proves nothing; a signature that doesn't fit the bytes proves that something was changed.
  const isHarmless = verdict === undefined || verdict.state === 'missing' || verdict.state === 'unknown-key';
  const reason = verdict?.reason ?? 'there is none, or no key to verify it with';
  if (isSignatureNeeded(path, deps) || !isHarmless) {
    throw refused(asc, reason);
  }
  if (beside.has(asc)) {
    deps.onWarning(asc, `signature not verified: ${reason}`);
  }
  return undefined;
};

const judgeContent = (
  path: string,
  content: ReleaseContent,
  who: string,
  said: { readonly sha256?: string | undefined; readonly size?: number | undefined },
): void => {
  if (said.size !== undefined && said.size !== content.size) {
    throw mismatch(path, `it has ${content.size} bytes, ${who} says ${said.size}`);
  }
  if (said.sha256 !== undefined && said.sha256 !== content.sha256) {
    throw mismatch(path, `its sha256 is ${content.sha256}, ${who} says ${said.sha256}`);
  }
};

// Docs have a few hundred files; these bounds only keep a hostile zip from costing memory.
const docsLimits = {
  maxEntries: 100_000,
  maxEntryBytes: 4 * 1024 ** 3,
  maxTotalBytes: 64 * 1024 ** 3,
  maxRatio: 10_000,
};

/** Nothing vouches for product docs, but a zip that was cut has no directory, and Kibana looks for the manifest first. */
const judgeDocs = async (path: string, place: string): Promise<void> => {
  try {
    const zip = await openZip(place, docsLimits);
    try {
      if (!zip.files.has('manifest.json')) {
        throw mismatch(path, 'it has no manifest.json, so it is no product docs');
      }
    } finally {
      await zip.close();
    }
  } catch (error) {
    if (!(error instanceof DepotError) || error.code === 'ARCHIVE_MISMATCH') {
      throw error;
    }
    throw mismatch(path, `it is no zip that can be read: ${error.message}`);
  }
};

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

const readObject = (body: Buffer | undefined): object | undefined =>
  asObject(parseJson(body?.toString('utf8') ?? ''));

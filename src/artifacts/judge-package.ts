import { readFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { fileProblem } from '../archive/file-problem.ts';
import { isArmoredSignature, maxSignatureBytes } from '../source/armor.ts';
import { quarantined, type Judgement } from './artifact.ts';
import { parseArtifactName, type ArtifactName } from './artifact-name.ts';
import type { ContentTask } from './content-check.ts';
import { isReadSince, recallVerdict, type Verdict } from './content-memory.ts';
import type { DigestMemory } from './digest-memory.ts';
import { magicProblem, readBeginning } from './file-magic.ts';
import type { FoundFile } from './inventory.ts';
import { namesOfFolder } from './release-set.ts';
import { maxSha512Bytes, parseSha512File } from './sha512-file.ts';
import type { TrustedKeys } from './trusted-keys.ts';

/** An artifact with what lies beside it. Paths are below the downloads folder. */
export interface PackageFiles {
  readonly file: FoundFile;
  readonly sha512: FoundFile | undefined;
  readonly signature: FoundFile | undefined;
}

/** A judgement, and what must be read before a better one is possible, or to be sure that this one still holds. */
export interface PackageJudgement {
  readonly judgement: Judgement;
  readonly task?: ContentTask;
}

/**
 * Judges an artifact as an agent would find it: name, first bytes, `.sha512`, digest, `.asc`. What is known of its content
 * comes from the memory; `task` asks for what isn't.
 */
export const judgePackage = async (
  files: PackageFiles,
  keys: TrustedKeys,
  memory: DigestMemory,
  now: number,
): Promise<PackageJudgement> => {
  const { file } = files;
  const name = parseArtifactName(posix.basename(file.path));
  if (!name) {
    return {
      judgement: quarantined(['has no name of the form NAME-VERSION-PLATFORM.tar.gz (zip, deb, rpm, msi)']),
    };
  }
  const reasons: string[] = [];
  const warnings: string[] = [];
  push(reasons, folderProblem(file.path, name));
  push(reasons, await beginningProblem(file, name));
  const wanted = await readSha512(files, reasons);
  const signature = await readSignature(files, name, reasons, warnings);
  if (reasons.length > 0) {
    return { judgement: quarantined(reasons, { warnings }) };
  }
  const digest = memory.get(file.path, file.stamp);
  if (digest !== undefined && digest !== wanted) {
    return {
      judgement: quarantined(
        [
          `has another content than its .sha512 says: ${file.size} bytes with the digest ${brief(digest)}, wanted is ${brief(wanted)}`,
        ],
        { digest },
      ),
    };
  }
  const remembered = signature === undefined ? undefined : recallVerdict(file, signature, keys, memory, now);
  const needsVerdict = signature !== undefined && keys.armored.length > 0 && remembered === undefined;
  const task = {
    path: file.absolute,
    keys: keys.armored,
    ...(wanted === undefined ? {} : { expected: wanted }),
    ...(signature === undefined ? {} : { signature }),
  };
  if (digest === undefined || needsVerdict) {
    const known = digest === undefined ? {} : { digest };
    return { judgement: { state: 'unchecked', reasons: [], warnings, ...known }, task };
  }
  const judgement = judgeSignature(remembered, signature, digest, warnings);
  return isReadSince(file, memory) ? { judgement } : { judgement, task };
};

const judgeSignature = (
  remembered: Verdict | undefined,
  signature: string | undefined,
  digest: string,
  warnings: readonly string[],
): Judgement => {
  if (remembered && 'signedBy' in remembered) {
    return { state: 'good', reasons: [], warnings, digest, ...remembered };
  }
  if (remembered) {
    return quarantined([`has an .asc that agents would refuse: ${remembered.reason}`], { digest, warnings });
  }
  const unverified = 'its .asc was not verified: there is no trusted key (-keys-path, EPR_KEYS_PATH)';
  return {
    state: 'good',
    reasons: [],
    warnings: signature === undefined ? warnings : [...warnings, unverified],
    digest,
  };
};

const push = (list: string[], clause: string | undefined): void => {
  if (clause !== undefined) {
    list.push(clause);
  }
};

const brief = (digest: string | undefined): string => `${digest?.slice(0, 16)}…`;

/** The folder says what lies in it; a folder that isn't in the table is called as its artifact. */
const folderProblem = (path: string, { name }: ArtifactName): string | undefined => {
  const folder = posix.dirname(path);
  const names = namesOfFolder(folder) ?? [posix.basename(folder)];
  // A FIPS or OSS build lies beside the usual one.
  const isOne = names.some((one) => name === one || new RegExp(`^${one}-(?:fips|oss|complete)$`).test(name));
  return isOne ? undefined : `does not belong into ${folder}/, where agents look for ${names.join(', ')}`;
};

const beginningProblem = async (file: FoundFile, { type }: ArtifactName): Promise<string | undefined> => {
  try {
    return magicProblem(type, await readBeginning(file.absolute));
  } catch (error) {
    return `cannot be read: ${fileProblem(error)}`;
  }
};

const readSha512 = async (files: PackageFiles, reasons: string[]): Promise<string | undefined> => {
  if (!files.sha512) {
    reasons.push('has no .sha512 beside it');
    return undefined;
  }
  const bytes = await readSmall(files.sha512, maxSha512Bytes + 1);
  if (typeof bytes === 'string') {
    reasons.push(`has a .sha512 that ${bytes}`);
    return undefined;
  }
  const parsed = parseSha512File(bytes, posix.basename(files.file.path));
  push(reasons, parsed.problem === undefined ? undefined : `has a .sha512 that ${parsed.problem}`);
  return parsed.digest;
};

/** Agents take tar.gz and zip and want a signature with them; the others are for people. */
const readSignature = async (
  files: PackageFiles,
  { type }: ArtifactName,
  reasons: string[],
  warnings: string[],
): Promise<string | undefined> => {
  if (!files.signature) {
    (type === 'tar.gz' || type === 'zip' ? reasons : warnings).push('has no .asc beside it');
    return undefined;
  }
  const bytes = await readSmall(files.signature, maxSignatureBytes + 1);
  if (typeof bytes === 'string') {
    reasons.push(`has an .asc that ${bytes}`);
    return undefined;
  }
  if (!isArmoredSignature(bytes)) {
    reasons.push(
      (bytes[0] ?? 0) >= 0x80
        ? 'has a binary .asc; agents want ASCII armor (gpg --armor)'
        : 'has an .asc that is no ASCII-armored OpenPGP signature',
    );
    return undefined;
  }
  return bytes.toString('latin1');
};

const readSmall = async (file: FoundFile, limit: number): Promise<Buffer | string> => {
  if (file.size >= limit) {
    return `has ${file.size} bytes, too many for one`;
  }
  return readFile(file.absolute).catch((error: unknown) => `cannot be read: ${fileProblem(error)}`);
};

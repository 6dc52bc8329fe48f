import { parseArtifactName, sidecarOf } from '../../artifacts/artifact-name.ts';
import { isAddress, isFingerprint, isHex, isSize } from './locked-values.ts';

/** One file of a lock file that is no package: an artifact, a key, a file of Elastic Defend, a model, product docs. */
export interface LockedFile {
  /** Below the folder that sync fills: `downloads/…`, `keys/…`, `ml-models/…`, `product-docs/…`. */
  readonly path: string;
  /** Lower-case hex. */
  readonly sha256: string;
  /** Where a `.sha512` vouches for it. */
  readonly sha512?: string;
  readonly size: number;
  /** Fingerprint of the key that signed it. */
  readonly signer?: string;
  /** Of a key file: the fingerprints of the keys in it. */
  readonly fingerprints?: readonly string[];
  readonly source: string;
}

/** The folders that hold what is no package. */
export const releaseFolders = ['downloads', 'keys', 'ml-models', 'product-docs'] as const;

const pathForm = new RegExp(`^(?:${releaseFolders.join('|')})(?:/[A-Za-z0-9_+-][\\w.+-]*)+$`);

/** Whether a path may name a file of a release: below one of its folders, no hidden name, nothing that climbs. */
export const isReleasePath = (path: string): boolean => path.length <= 400 && pathForm.test(path);

/** One line of a lock file. Name and version stand there for people: they follow from the path. */
export const formatLockedFile = (file: LockedFile): string => {
  const { path, sha256, sha512, size, signer, fingerprints, source } = file;
  return JSON.stringify({ path, ...describe(path), sha256, sha512, size, signer, fingerprints, source });
};

/** What a path is of: `elastic-agent` and `9.2.1`, `elser_model_2`, `kibana` and `9.2`. */
const describe = (path: string): { readonly name: string; readonly version?: string } => {
  const file = path.split('/').at(-1) ?? path;
  const artifact = parseArtifactName(sidecarOf(file)?.of ?? file);
  if (artifact) {
    return { name: artifact.name, version: artifact.version };
  }
  const forms: readonly [RegExp, string?][] = [
    [/^downloads\/endpoint\/manifest\/artifacts-(?<version>.+)\.zip$/, 'endpoint'],
    [/^product-docs\/kb-product-doc-(?<name>[a-z]+)-(?<version>\d+\.\d+).*\.zip$/],
    [/^ml-models\/(?<name>.+?)\.(?:metadata\.json|vocab\.json|pt)$/],
  ];
  for (const [form, known] of forms) {
    const found = form.exec(path)?.groups;
    const name = known ?? found?.['name'];
    if (found && name !== undefined) {
      return { name, ...(found['version'] === undefined ? {} : { version: found['version'] }) };
    }
  }
  return { name: file };
};

/** Reads one entry; what is wrong with it, as text, where it is none. */
export const readLockedFile = (value: unknown): LockedFile | string => {
  if (typeof value !== 'object' || value === null) {
    return 'it is no object';
  }
  const { path, sha256, sha512, size, signer, fingerprints, source } = value as Record<string, unknown>;
  if (typeof path !== 'string' || !isReleasePath(path)) {
    return 'the path is not proper';
  }
  if (!isHex(sha256, 64) || !isSize(size)) {
    return `${path}: sha256 or size is not proper`;
  }
  if (sha512 !== undefined && !isHex(sha512, 128)) {
    return `${path}: sha512 is not proper`;
  }
  if (signer !== undefined && !isFingerprint(signer)) {
    return `${path}: the signer is no fingerprint`;
  }
  const list: unknown[] | undefined = Array.isArray(fingerprints) ? (fingerprints as unknown[]) : undefined;
  if (fingerprints !== undefined && !list?.every(isFingerprint)) {
    return `${path}: the fingerprints are not proper`;
  }
  if (!isAddress(source)) {
    return `${path}: the source is no address`;
  }
  return {
    path,
    sha256,
    ...(sha512 === undefined ? {} : { sha512 }),
    size,
    ...(signer === undefined ? {} : { signer }),
    ...(list === undefined ? {} : { fingerprints: list as string[] }),
    source,
  };
};

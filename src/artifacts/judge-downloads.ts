import { artifactOf, sidecarArtifact, type Artifact, type Judgement } from './artifact.ts';
import { sidecarOf } from './artifact-name.ts';
import { isDefendPath, mounts } from './mounts.ts';
import type { PendingContent } from './content-check.ts';
import type { DigestMemory } from './digest-memory.ts';
import type { FoundFile } from './inventory.ts';
import { judgePackage, type PackageFiles, type PackageJudgement } from './judge-package.ts';
import type { TrustedKeys } from './trusted-keys.ts';

/** What downloads are judged with. */
interface JudgeDeps {
  readonly keys: TrustedKeys;
  readonly memory: DigestMemory;
  /** What an earlier scan has judged for good. */
  readonly before: ReadonlyMap<string, Judgement>;
  /** Takes what is judged for good now. */
  readonly judged: Map<string, Judgement>;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Judges a package, or takes what was found of the very same files with the same keys. */
const judgeOnce = async (files: PackageFiles, deps: JudgeDeps): Promise<PackageJudgement> => {
  const { file, sha512, signature } = files;
  const basis = [
    file.path,
    file.stamp,
    file.changeStamp,
    sha512?.stamp,
    signature?.stamp,
    deps.keys.stamp,
  ].join(' ');
  const before = deps.before.get(basis);
  const hasEnded = before?.signedUntil !== undefined && before.signedUntil <= deps.now;
  const known = hasEnded ? undefined : before;
  const result = known ? { judgement: known } : await judgePackage(files, deps.keys, deps.memory, deps.now);
  // What could not be read may be readable later, without any change of the file.
  const isFinal = !result.judgement.reasons.some((reason) => reason.includes('cannot be read'));
  if (!result.task && isFinal) {
    deps.judged.set(basis, result.judgement);
  }
  return result;
};

/** Judges packages with what lies beside them, adds all of them to `found`, and returns what has to be read first. */
export const judgeDownloads = async (
  files: readonly FoundFile[],
  deps: JudgeDeps,
  found: Artifact[],
): Promise<PendingContent[]> => {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const pending: PendingContent[] = [];
  const packages = new Map<string, Artifact>();
  for (const file of files) {
    if (!isDefendPath(file.path) && !sidecarOf(file.path)) {
      const sides = {
        file,
        sha512: byPath.get(`${file.path}.sha512`),
        signature: byPath.get(`${file.path}.asc`),
      };
      const { judgement, task } = await judgeOnce(sides, deps);
      const artifact = artifactOf(mounts.downloads, file, 'package', judgement);
      packages.set(file.path, artifact);
      found.push(artifact);
      if (task) {
        pending.push({ file, task });
      }
    }
  }
  for (const file of files) {
    const sidecar = isDefendPath(file.path) ? undefined : sidecarOf(file.path);
    if (sidecar) {
      found.push(sidecarArtifact(file, packages.get(sidecar.of)));
    }
  }
  return pending;
};

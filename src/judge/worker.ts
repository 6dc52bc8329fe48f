import { openFolderPackage } from '../source/folder-package.ts';
import type { ArchiveLimits, PackageFiles, PackageRef } from '../source/source.ts';
import { openZipPackage } from '../source/zip-package.ts';
import type { VerdictCache } from './content.ts';
import { judgeRef } from './judge-ref.ts';
import type { JudgedPackage, JudgeResult, JudgeTask } from './task.ts';

// A worker thread's own, and gone with it at the end of one build of the index.
const verdicts: VerdictCache = new Map();

/** The entry point of a worker thread. */
export default async function judgeTask({
  candidates,
  rules,
  verdicts: told,
}: JudgeTask): Promise<JudgeResult> {
  for (const [key, verdict] of told) {
    verdicts.set(key, verdict);
  }
  const before = verdicts.size;
  const judged: JudgedPackage[] = [];
  for (const candidate of candidates) {
    judged.push(await judgeRef(candidate, rules, openPackage, verdicts));
  }
  // A map keeps the order in which its keys came.
  return { judged, learned: [...verdicts].slice(before) };
}

function openPackage(ref: PackageRef, limits: ArchiveLimits): Promise<PackageFiles> {
  return ref.kind === 'zip' ? openZipPackage(ref.path, limits) : openFolderPackage(ref.path, limits);
}

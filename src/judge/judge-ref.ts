import { statSync, type BigIntStats } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { DepotError } from '../domain/errors.ts';
import { renderJson } from '../domain/json.ts';
import type { PackageInfo } from '../domain/package.ts';
import { summarise } from '../domain/package.ts';
import { describeProblem } from '../domain/problem.ts';
import { createRecord } from '../search/record.ts';
import type { SignatureDecision } from '../signing/policy.ts';
import { fileStamp } from '../source/served-file.ts';
import type { ArchiveLimits, PackageFiles, PackageRef } from '../source/source.ts';
import { digestPackage } from './content-digest.ts';
import { createContentReader } from './content.ts';
import { judgePackage } from './judge.ts';
import type { LearnedContent } from './learned-content.ts';
import { judgeSignature } from './signature.ts';
import type { Candidate, FoundPackage, JudgedPackage, JudgeRules } from './task.ts';

/** Opens a package for reading. */
export type OpenPackage = (ref: PackageRef, limits: ArchiveLimits) => Promise<PackageFiles>;

/** Opens, judges and renders one package. Never throws for a fault of the package. */
export async function judgeRef(
  { ref, digest: before }: Candidate,
  rules: JudgeRules,
  open: OpenPackage,
  learned: LearnedContent,
): Promise<JudgedPackage> {
  let files: PackageFiles | undefined;
  try {
    const decision = await judgeSignature(ref, rules.signatures);
    const digest = await digestPackage(ref, decision);
    if (digest !== undefined && digest === before) {
      return { isSame: true, digest, found: undefined, reasons: [], warnings: [] };
    }
    files = await open(ref, rules.limits);
    const content = createContentReader(files, rules.limits.maxManifestBytes, learned);
    const { info, problems, warnings } = await judgePackage(ref, files, content, decision.showSignature);
    const reasons = problems.filter(({ kind }) => kind === 'broken' || rules.validate).map(describeProblem);
    if (decision.reason !== undefined) {
      reasons.push(decision.reason);
    }
    const found = info && reasons.length === 0 ? render(info) : undefined;
    if (hasChanged(ref)) {
      return { isSame: false, isChanged: true, digest: undefined, found: undefined, reasons, warnings: [] };
    }
    return {
      isSame: false,
      digest: await settledDigest(found, ref, decision, digest),
      found,
      reasons,
      warnings,
      ...(decision.until === undefined ? {} : { until: decision.until }),
    };
  } catch (error) {
    if (error instanceof DepotError) {
      const isChanged = hasChanged(ref);
      return {
        isSame: false,
        isChanged,
        isUnread: error.code === 'FILE_UNREADABLE',
        digest: undefined,
        found: undefined,
        reasons: [error.message],
        warnings: [],
      };
    }
    throw error;
  } finally {
    await files?.close();
  }
}

/** True where an archive is not the file any more that was listed: what was read may be of neither. */
function hasChanged(ref: PackageRef): boolean {
  if (ref.kind !== 'zip') {
    return false;
  }
  let stats: BigIntStats;
  try {
    stats = statSync(ref.path, { bigint: true });
  } catch {
    return true;
  }
  return fileStamp(stats) !== ref.stamp;
}

/**
 * Only of a good package, and only if the file is what it was before it was read. A broken one may be mended without
 * any change of its directory (a copy that stalled, a bad disk), so it is always read again when its file changed.
 */
async function settledDigest(
  found: FoundPackage | undefined,
  ref: PackageRef,
  decision: SignatureDecision,
  before: string | undefined,
): Promise<string | undefined> {
  return found && before !== undefined && (await digestPackage(ref, decision)) === before
    ? before
    : undefined;
}

function render(info: PackageInfo): FoundPackage {
  const summary = renderJson(summarise(info)).replaceAll('\n', '\n  ');
  const detail = gzipSync(`${renderJson(info)}\n`, { level: 4 });
  return { record: createRecord(info), summary: Buffer.from(summary), detail };
}

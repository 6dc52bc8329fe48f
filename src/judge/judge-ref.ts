import { hash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { DepotError } from '../domain/errors.ts';
import { renderJson } from '../domain/json.ts';
import type { PackageInfo } from '../domain/package.ts';
import { summarise } from '../domain/package.ts';
import { describeProblem } from '../domain/problem.ts';
import { createRecord } from '../search/record.ts';
import type { SignatureDecision } from '../signing/policy.ts';
import type { ArchiveLimits, PackageFiles, PackageRef } from '../source/source.ts';
import type { VerdictCache } from './content.ts';
import { createContentReader } from './content.ts';
import { judgePackage } from './judge.ts';
import { judgeSignature } from './signature.ts';
import type { Candidate, FoundPackage, JudgedPackage, JudgeRules } from './task.ts';

/** Opens a package for reading. */
export type OpenPackage = (ref: PackageRef, limits: ArchiveLimits) => Promise<PackageFiles>;

/** Opens, judges and renders one package. Never throws for a fault of the package. */
export async function judgeRef(
  { ref, digest: before }: Candidate,
  rules: JudgeRules,
  open: OpenPackage,
  verdicts: VerdictCache,
): Promise<JudgedPackage> {
  let files: PackageFiles | undefined;
  try {
    files = await open(ref, rules.limits);
    const decision = await judgeSignature(ref, rules.signatures);
    const digest = digestOf(files, decision);
    if (digest !== undefined && digest === before) {
      return { isSame: true, digest, found: undefined, reasons: [], warnings: [] };
    }
    const content = createContentReader(files, rules.limits.maxManifestBytes, verdicts);
    const { info, problems, warnings } = await judgePackage(ref, files, content, decision.showSignature);
    const reasons = problems.filter(({ kind }) => kind === 'broken' || rules.validate).map(describeProblem);
    if (decision.reason !== undefined) {
      reasons.push(decision.reason);
    }
    const found = info && reasons.length === 0 ? render(info) : undefined;
    return { isSame: false, digest, found, reasons, warnings };
  } catch (error) {
    if (error instanceof DepotError) {
      return { isSame: false, digest: undefined, found: undefined, reasons: [error.message], warnings: [] };
    }
    throw error;
  } finally {
    await files?.close();
  }
}

/** An archive's directory has the CRC-32 of every file, so names, sizes and CRCs tell its content without reading it. */
function digestOf(files: PackageFiles, decision: SignatureDecision): string | undefined {
  const { topFolder, entries } = files;
  if (entries.some(({ crc32 }) => crc32 === undefined)) {
    return undefined;
  }
  const content = entries.map(({ path, size, crc32 }) => `${path}\0${size}\0${crc32}`).join('\n');
  return hash('sha256', `${JSON.stringify(decision)}\n${topFolder}\n${content}`, 'base64url');
}

function render(info: PackageInfo): FoundPackage {
  const summary = renderJson(summarise(info)).replaceAll('\n', '\n  ');
  const detail = gzipSync(`${renderJson(info)}\n`, { level: 6 });
  // Of exactly their size: what crosses threads is the whole buffer that a view lies on.
  return {
    record: createRecord(info),
    summary: new TextEncoder().encode(summary),
    detail: Uint8Array.from(detail),
  };
}

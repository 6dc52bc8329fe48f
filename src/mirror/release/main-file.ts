import { stat, unlink } from 'node:fs/promises';
import { DepotError } from '../../domain/errors.ts';
import type { HttpClient } from '../../net/http.ts';
import { downloadPart } from '../transfer/download.ts';
import type { ReleaseContent } from './checker.ts';
import type { ReleaseAcquireDeps } from './deps.ts';
import { judgeMain } from './judge.ts';
import { partOf } from './place.ts';
import type { PlannedGroup } from './plan.ts';

/** Largest file that is taken; agents have some 600 MB, models some 2 GB. */
const maxFileBytes = 16 * 1024 ** 3;

/** What was found of a large file, and who signed it. */
interface Judged {
  readonly content: ReleaseContent;
  readonly signer: string | undefined;
}

/** Reads the large file of a group where it lies, and judges it by what lies beside it. Throws DepotError. */
export const judgePlace = async (
  group: PlannedGroup,
  place: string,
  beside: ReadonlyMap<string, Buffer>,
  deps: ReleaseAcquireDeps,
): Promise<Judged> => {
  const signature = beside.get(`${group.main.path}.asc`)?.toString('latin1');
  const keys = deps.trust.armored();
  const content = await deps.checker.check({ path: place, keys, ...(signature ? { signature } : {}) });
  return { content, signer: await judgeMain(group, place, content, beside, { ...deps, keys }) };
};

/** Downloads the large file and judges it. A half from an earlier run may be of another content: then once more, whole. */
export const fetchMain = async (
  group: PlannedGroup,
  beside: ReadonlyMap<string, Buffer>,
  deps: ReleaseAcquireDeps,
): Promise<Judged> => {
  const part = partOf(group.main, deps);
  const wasHalf = (await stat(part).catch(() => undefined)) !== undefined;
  const attempt = async (): Promise<Judged> => {
    await downloadPart(
      {
        url: group.main.url,
        part,
        facts: part.replace(/\.part$/, '.json'),
        mayResume: true,
        limit: maxFileBytes,
        onBytes: deps.onBytes,
        ...(deps.signal ? { signal: deps.signal } : {}),
      },
      group.kind === 'artifact' ? deps : { ...deps, client: ofAnyType(deps.client) },
    );
    try {
      return await judgePlace(group, part, beside, deps);
    } catch (error) {
      await dropPart(part);
      throw error;
    }
  };
  try {
    return await attempt();
  } catch (error) {
    const isOther =
      error instanceof DepotError &&
      (error.code === 'ARCHIVE_MISMATCH' || error.code === 'SIGNATURE_REFUSED');
    if (!wasHalf || !isOther) {
      throw error;
    }
    return attempt();
  }
};

const dropPart = async (part: string): Promise<void> => {
  for (const file of [part, part.replace(/\.part$/, '.json')]) {
    await unlink(file).catch(() => {});
  }
};

/**
 * A client whose answers don't say what type they have, for content that is judged by itself: Elastic Defend's files may be
 * JSON, which no archive ever is.
 */
const ofAnyType = (client: HttpClient): HttpClient => ({
  request: async (request) => {
    const answer = await client.request(request);
    return { ...answer, headers: { ...answer.headers, 'content-type': undefined } };
  },
  close: () => client.close(),
});

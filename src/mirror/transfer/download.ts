import type { Place } from './body-memory.ts';
import type { Download, DownloadSettings, Downloaded } from './download-types.ts';
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open, stat, unlink } from 'node:fs/promises';
import { dismiss, Transient, type HttpAnswer } from '../../net/http.ts';
import { withRetries } from '../../net/retry.ts';
import { requestWithin } from '../../net/upstream-hosts.ts';
import { answerFault, placeOfBody } from './archive-answer.ts';
import { fileFault } from '../../files/file-fault.ts';
import { flushBytes, gather } from './gather.ts';
import { readFacts, writeFacts, type PartFacts } from './part-facts.ts';
import { pour } from './pour.ts';

/** A new try that brought this much counts as progress: the attempts start again. */
const progressBytes = 64 * 1024;

/**
 * Brings one body into a part file, and into memory where there is room; continues what an earlier run left. Throws
 * DepotError when attempts are used up or the answer can't be an archive.
 */
export async function downloadPart(download: Download, settings: DownloadSettings): Promise<Downloaded> {
  let isFirst = true;
  let furthest = download.mayResume ? await continuable(download) : 0;
  return await withRetries(settings.retry, download.signal, async (progressed) => {
    const fresh = isFirst && !download.mayResume;
    isFirst = false;
    try {
      return await attempt(download, fresh, settings);
    } catch (error) {
      // Bytes that have to come again are no progress: a server that always cuts there would be asked for ever.
      const reached = await continuable(download);
      if (reached >= furthest + progressBytes) {
        furthest = reached;
        progressed();
      }
      throw error;
    }
  });
}

/** Bytes of the part that the next attempt can go on from. */
async function continuable(download: Download): Promise<number> {
  const facts = await readFacts(download);
  const there = facts && (await stat(download.part).catch(() => undefined));
  return there?.size ?? 0;
}

async function attempt(download: Download, fresh: boolean, settings: DownloadSettings): Promise<Downloaded> {
  const { part } = download;
  const there = fresh ? undefined : await stat(part).catch(() => undefined);
  const have = there?.size ?? 0;
  const facts = have > 0 ? await readFacts(download) : undefined;
  if (there && facts && have === facts.total) {
    return { size: have, written: Promise.resolve(there) };
  }
  const resumed = facts && have < facts.total ? { have, ...facts } : undefined;
  const answer = await ask(download, resumed, settings);
  const from = placeOfBody(answer, resumed);
  if (from === undefined) {
    await unlink(part).catch(() => {});
    throw new Transient(answerFault(answer, 'the server continued at another place'));
  }
  const length = Number(answer.headers['content-length'] ?? Number.NaN);
  if (from + length > download.limit) {
    dismiss(answer);
    throw answerFault(answer, `the archive has ${from + length} bytes, the limit is ${download.limit}`);
  }
  // A cut while room is waited for is met by whoever reads the body then.
  answer.body.on('error', () => {});
  const place = from === 0 && length >= 0 ? await download.memory?.take(length) : undefined;
  return place ? intoPlace(answer, place, length, download) : intoPart(answer, from, length, download);
}

/** What of a part is there, and what it is of. */
interface Resumed extends PartFacts {
  readonly have: number;
}

function ask(
  { url, signal }: Download,
  resumed: Resumed | undefined,
  { client, policy }: DownloadSettings,
): Promise<HttpAnswer> {
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  if (resumed) {
    Object.assign(headers, { range: `bytes=${resumed.have}-`, 'if-range': resumed.validator });
  }
  return requestWithin(client, { url, headers, expectsLength: true, ...(signal ? { signal } : {}) }, policy);
}

async function intoPlace(
  answer: HttpAnswer,
  place: Place,
  length: number,
  download: Download,
): Promise<Downloaded> {
  try {
    const { written } = await gather(answer, place.bytes, length, download);
    return { size: length, place, written };
  } catch (error) {
    place.give();
    throw error;
  }
}

async function intoPart(
  answer: HttpAnswer,
  from: number,
  length: number,
  download: Download,
): Promise<Downloaded> {
  const { part } = download;
  let handle: FileHandle;
  try {
    handle = await open(
      part,
      from > 0 ? constants.O_WRONLY : constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC,
      0o644,
    );
  } catch (error) {
    dismiss(answer);
    throw fileFault(error, part);
  }
  try {
    if (from === 0 && length > flushBytes) {
      await writeFacts(download, answer, length);
    }
    const size = await pour(answer, handle, from, download);
    await handle.sync();
    return { size, written: Promise.resolve(await handle.stat()) };
  } finally {
    await handle.close();
  }
}

import { readFile, unlink, writeFile } from 'node:fs/promises';
import type { HttpAnswer } from '../../net/http.ts';
import { showUrl } from '../../net/http.ts';
import { fileFault } from '../../files/file-fault.ts';

/** Where the facts of a part are, and the address that it comes from. */
interface PartPlace {
  readonly url: URL;
  readonly facts: string;
}

/** What a part is of: with it a later run can go on. */
export interface PartFacts {
  readonly url: string;
  /** Strong ETag or Last-Modified: what If-Range takes (RFC 9110, 13.1.5). */
  readonly validator: string;
  readonly total: number;
}

/** What a part was noted to be of; undefined where that isn't known, or it is of another address. */
export async function readFacts({ facts, url }: PartPlace): Promise<PartFacts | undefined> {
  try {
    const value = JSON.parse(await readFile(facts, 'utf8')) as Partial<PartFacts>;
    const proper =
      value.url === showUrl(url) && typeof value.validator === 'string' && typeof value.total === 'number';
    return proper ? (value as PartFacts) : undefined;
  } catch {
    return undefined;
  }
}

/** Notes what a part is of. Without a strong validator it can't be continued: another content might follow. */
export async function writeFacts(download: PartPlace, answer: HttpAnswer, total: number): Promise<void> {
  const etag = answer.headers['etag'];
  const validator = etag !== undefined && !etag.startsWith('W/') ? etag : answer.headers['last-modified'];
  try {
    if (validator === undefined) {
      await unlink(download.facts).catch(() => {});
    } else {
      await writeFile(
        download.facts,
        JSON.stringify({ url: showUrl(download.url), validator, total } satisfies PartFacts),
      );
    }
  } catch (error) {
    throw fileFault(error, download.facts);
  }
}

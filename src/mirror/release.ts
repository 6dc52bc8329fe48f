import { mkdir, readFile, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createContentChecker } from '../artifacts/content-pool.ts';
import type { ContentChecker } from '../artifacts/content-check.ts';
import { readDefendManifest } from '../artifacts/defend-manifest.ts';
import { defendUrls, type WantedFile } from '../artifacts/release-set.ts';
import { parseSha512File } from '../artifacts/sha512-file.ts';
import type { WantedRelease } from '../distribution/wanted-release.ts';
import { DepotError } from '../domain/errors.ts';
import { downloadPart, type DownloadSettings } from './download.ts';
import { writeDurably } from './durable.ts';
import { lockFolder } from './folder-lock.ts';
import type { Progress } from './progress.ts';
import { readBody, Transient } from '../net/http.ts';
import { withRetries } from '../net/retry.ts';
import { requestWithin } from '../net/upstream-hosts.ts';
import { readPublicKeys } from '../signing/public-key.ts';
import { addressesOf, filesOf, isManifest } from './release-files.ts';

/** What fetching a release needs. */
export interface ReleaseSync extends DownloadSettings {
  /** Folder that gets `downloads/`, `keys/`, `ml-models/` and `product-docs/`. */
  readonly to: string;
  /** Armored keys that signatures are verified with, besides those of `keys:`. */
  readonly trusted: readonly string[];
  readonly requireSignature: boolean;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** What became of the files, by path. */
export interface ReleaseResult {
  readonly fetched: readonly string[];
  readonly kept: readonly string[];
  readonly failed: readonly { readonly path: string; readonly reason: string }[];
}

const maxSmallBytes = 64 * 1024 * 1024;
const maxFileBytes = 16 * 1024 ** 3;
const small = /\.(?:sha512|asc|json)$|^keys\//;

/**
 * Fetches what a definition's `artifacts:`, `keys:`, `defend:`, `models:` and `docs:` name. Each artifact is checked against
 * its `.sha512` and `.asc` before it takes its name; its sidecars are there first, so that a server never offers it without
 * them. Half a file is resumed by the next run.
 */
export const syncRelease = async (release: WantedRelease, deps: ReleaseSync): Promise<ReleaseResult> => {
  const work = join(deps.to, '.fleet-depot');
  const unlock = await lockFolder(deps.to, join(work, 'lock'));
  const checker = createContentChecker();
  const result = {
    fetched: [] as string[],
    kept: [] as string[],
    failed: [] as { path: string; reason: string }[],
  };
  const addresses = addressesOf(release);
  const keys = [...deps.trusted];
  const run = async (file: WantedFile): Promise<void> => {
    try {
      const isNew = await bring(file, { ...deps, work, checker, keys });
      (isNew ? result.fetched : result.kept).push(file.path);
      deps.progress.item();
      if (file.path.startsWith('keys/')) {
        const content = await readFile(join(deps.to, file.path));
        keys.push(...(await readPublicKeys(content, file.path)).map(({ armored }) => armored));
      }
    } catch (error) {
      const known = error instanceof Transient ? error.error : error;
      if (!(known instanceof DepotError) || known.code === 'INTERRUPTED') {
        throw known;
      }
      result.failed.push({ path: file.path, reason: known.message });
    }
  };
  try {
    // Keys first, as they verify the rest; sidecars before their artifacts.
    const files = filesOf(release);
    const rank = ({ path }: WantedFile): number => (path.startsWith('keys/') ? 0 : small.test(path) ? 1 : 2);
    deps.progress.start({ items: files.length, bytes: 0 });
    for (const file of files.toSorted((a, b) => rank(a) - rank(b))) {
      await run(file);
      if (isManifest(file.path, release) && !result.failed.some(({ path }) => path === file.path)) {
        const { urls = [] } = await readDefendManifest(join(deps.to, file.path));
        for (const more of defendUrls(urls, addresses)) {
          await run(more);
        }
      }
    }
    return result;
  } finally {
    deps.progress.stop();
    await checker.close();
    await unlock();
  }
};

interface BringDeps extends ReleaseSync {
  readonly work: string;
  readonly checker: ContentChecker;
  readonly keys: readonly string[];
}

/** True where something new came. */
const bring = async (file: WantedFile, deps: BringDeps): Promise<boolean> => {
  const target = join(deps.to, file.path);
  await mkdir(dirname(target), { recursive: true });
  if (small.test(file.path)) {
    return bringSmall(file, target, deps);
  }
  const isArtifact = file.path.startsWith('downloads/') && !file.path.startsWith('downloads/endpoint/');
  // A manifest changes under its name; the files that it refers to have their digests in their names.
  const isFixed = !file.path.includes('/manifest/');
  if (isFixed && (await stat(target).catch(() => undefined))?.isFile()) {
    if (!isArtifact || (await checkArtifact(file, target, target, deps)) === undefined) {
      return false;
    }
  }
  const part = join(deps.work, `${file.path.replaceAll('/', '~')}.part`);
  await downloadPart(
    {
      url: new URL(file.url),
      part,
      facts: part.replace(/\.part$/, '.json'),
      mayResume: true,
      limit: maxFileBytes,
      onBytes: deps.progress.bytes,
      signal: deps.signal,
    },
    deps,
  );
  const problem = isArtifact ? await checkArtifact(file, part, target, deps) : undefined;
  if (problem !== undefined) {
    await rename(part, `${part}.refused`);
    throw new DepotError('UPSTREAM_ANSWER', { url: file.url, reason: problem });
  }
  await rename(part, target);
  return true;
};

const bringSmall = async (file: WantedFile, target: string, deps: BringDeps): Promise<boolean> => {
  const body = await withRetries(deps.retry, deps.signal, async () => {
    const answer = await requestWithin(
      deps.client,
      { url: new URL(file.url), headers: { 'accept-encoding': 'identity' }, signal: deps.signal },
      deps.policy,
    );
    const bytes = await readBody(answer, maxSmallBytes);
    if (answer.status !== 200) {
      throw new DepotError('UPSTREAM_ANSWER', { url: file.url, reason: `it answered ${answer.status}` });
    }
    return bytes;
  });
  if (file.path.startsWith('keys/')) {
    // Throws where it is no key: a web page must never become one.
    await readPublicKeys(body, file.url);
  }
  const present = await readFile(target).catch(() => undefined);
  if (present?.equals(body)) {
    return false;
  }
  await writeDurably(target, join(deps.work, `${file.path.replaceAll('/', '~')}.new`), body);
  return true;
};

/** What is wrong with the content at `place`, judged by the sidecars of `target`. */
const checkArtifact = async (
  file: WantedFile,
  place: string,
  target: string,
  deps: BringDeps,
): Promise<string | undefined> => {
  const line = await readFile(`${target}.sha512`).catch(() => Buffer.alloc(0));
  const { digest, problem } = parseSha512File(line, file.path.split('/').at(-1) ?? '');
  if (digest === undefined) {
    return `its .sha512 ${problem}`;
  }
  const signature = await readFile(`${target}.asc`, 'latin1').catch(() => undefined);
  const found = await deps.checker.check({
    path: place,
    expected: digest,
    keys: deps.keys,
    ...(signature === undefined ? {} : { signature }),
  });
  if (found.sha512 !== digest) {
    return 'its content has another digest than its .sha512 says';
  }
  if (!deps.requireSignature || /\.(?:deb|rpm|msi)$/.test(file.path)) {
    return undefined;
  }
  return found.verdict?.state === 'good'
    ? undefined
    : `its signature is not good: ${found.verdict?.reason ?? 'there is none, or no key to verify it with'}`;
};

// Used by image-content.js, inside the image build: what a depot brings must be what it recorded. The program itself says what that is.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pathToFileURL } from 'node:url';

/**
 * Throws where `folder` is a depot, a snapshot of one or a folder with a lock file, and a file isn't what came in. `program` is the folder of
 * the program.
 */
export const checkRecorded = async (program, folder) => {
  const load = (name) => import(pathToFileURL(`${program}/dist/${name}.js`).href);
  const [{ contentRoot, listContent }, { recordedContent }] = await Promise.all([
    load('content'),
    load('recorded-content'),
  ]);
  const root = await contentRoot(folder);
  const recorded = await recordedContent(root);
  for (const { path, place } of recorded === undefined ? [] : await listContent(root)) {
    const expected = recorded.digests.get(path);
    if (expected === undefined) {
      continue;
    }
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(place, { highWaterMark: 1 << 20 })) {
      hash.update(chunk);
    }
    const found = hash.digest('hex');
    if (found !== expected) {
      throw recorded.damaged(place, `its SHA-256 is ${found} instead of ${expected}`);
    }
  }
};

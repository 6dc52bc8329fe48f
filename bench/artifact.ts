import { createHash } from 'node:crypto';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { askRaw } from './ask.ts';
import type { Depot } from './depot.ts';
import { startNginx, type Nginx } from './nginx.ts';
import type { Stage } from './stage.ts';

/** A large file behind both servers. */
export interface ServedArtifact {
  readonly depot: Depot;
  readonly here: string;
  readonly nginx: string;
  stop(): Promise<void>;
}

const block = 4 * 1024 * 1024;

/** Makes a file of `blocks` times 4 MiB with an agent's name and its `.sha512`, and serves it with both; checked, before this resolves. */
export async function serveArtifact(stage: Stage, key: string, blocks: number): Promise<ServedArtifact> {
  const root = join(stage.scratch, key);
  const path = 'downloads/beats/elastic-agent/elastic-agent-9.9.9-linux-x86_64.tar.gz';
  await makeFile(join(root, path), blocks);
  const packages = await stage.emptyFolder();
  const depot = await stage.ownDepot([packages], await stage.emptyFolder(), {
    'artifacts-path': root,
    // Nobody signed it.
    'artifact-policy': 'lenient',
  });
  let nginx: Nginx | undefined;
  const stop = async (): Promise<void> => {
    await Promise.all([depot.stop(), nginx?.stop()]);
  };
  try {
    nginx = await startNginx(root, join(stage.scratch, `${key}-nginx`));
    await waitUntilChecked(depot.url);
    return { depot, here: `${depot.url}/${path}`, nginx: `${nginx.url}/${path}`, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function makeFile(path: string, blocks: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const hash = createHash('sha512');
  const bytes = randomBytes(block);
  bytes.write('\u001F\u008B\b\0', 'latin1');
  const file = await open(path, 'w');
  try {
    for (let at = 0; at < blocks; at++) {
      hash.update(bytes);
      await file.writeFile(bytes);
    }
  } finally {
    await file.close();
  }
  await writeFile(`${path}.sha512`, `${hash.digest('hex')}  ${basename(path)}\n`);
}

/** Reading the file to check it takes a core, which would be missing from what is measured. */
async function waitUntilChecked(url: string): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const { bytes } = await askRaw(`${url}/health`);
    const { artifacts } = JSON.parse(bytes.toString()) as {
      artifacts?: { good: number; unchecked: number; quarantined: number };
    };
    if (artifacts && artifacts.unchecked === 0 && artifacts.good + artifacts.quarantined > 0) {
      return;
    }
    await sleep(100);
  }
  throw new Error('the artifact was not checked within a minute');
}

// Used by the Dockerfile: `node image-content.js DISTRIBUTION CONTEXT PARTS BYTES`. DISTRIBUTION is a folder of the build context, or
// the name of a distribution that `fleet-depot sync` fetches.
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { splitContent } from './split-content.js';

const [distribution, context, parts, bytes] = process.argv.slice(2);
const depot = '/opt/fleet-depot/bin/fleet-depot.js';

const folderIn = (root, name) => {
  const path = resolve(root, name);
  if (path !== root && !path.startsWith(root + sep)) {
    throw new Error(`${name} is outside the build context`);
  }
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? path : undefined;
};

const fetched = (name) => {
  const target = '/content';
  const result = spawnSync(process.execPath, [depot, 'sync', name, '--to', target], { stdio: 'inherit' });
  if (result.status !== 0) {
    throw new Error(
      `\`fleet-depot sync ${name}\` ended with ${result.status}. Without a network in the build, run it before, into a ` +
        'folder of the build context, and name that folder: --build-arg DISTRIBUTION=FOLDER',
    );
  }
  return target;
};

try {
  if (!distribution) {
    throw new Error('DISTRIBUTION is empty');
  }
  const limit = Number(bytes);
  if (!Number.isSafeInteger(limit) || limit < 1024 ** 2) {
    throw new Error(`LAYER_BYTES must be a number of bytes from 1048576 on, not '${bytes}'`);
  }
  const made = splitContent(folderIn(resolve(context), distribution) ?? fetched(distribution), parts, {
    parts: 32,
    limit,
  });
  process.stdout.write(`${made.files} files, ${made.bytes} bytes, in ${made.filled} layers\n`);
} catch (error) {
  process.stderr.write(`error: ${error.message}\n`);
  process.exit(1);
}

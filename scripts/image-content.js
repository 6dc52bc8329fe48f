// Used by the Dockerfile: `node image-content.js DISTRIBUTION CONTEXT PARTS BYTES [ADDRESS]`. DISTRIBUTION is a folder of the build
// context, or what `fleet-depot sync` fetches: a definition file of the context, or the name of a distribution.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { checkRecorded } from './recorded-content.js';
import { splitContent } from './split-content.js';

const [distribution, context, parts, bytes, address = ''] = process.argv.slice(2);
const program = '/opt/fleet-depot';
const depot = `${program}/bin/fleet-depot.js`;
const secrets = '/run/secrets';

/** A path of the context, and whether it is a folder or a file; undefined where there is nothing. */
const placeIn = (root, name) => {
  const path = resolve(root, name);
  if (path !== root && !path.startsWith(root + sep)) {
    throw new Error(`${name} is outside the build context`);
  }
  const found = statSync(path, { throwIfNoEntry: false });
  return found && { path, isFolder: found.isDirectory() };
};

/** Flags of `sync` for the secrets that the build was given. */
const secretFlags = () =>
  [
    ['ca', '--ca'],
    ['keyring', '--keyring'],
    ['proxy-auth', '--proxy-auth-file'],
  ].flatMap(([name, flag]) => (existsSync(`${secrets}/${name}`) ? [flag, `${secrets}/${name}`] : []));

const fetched = (definition) => {
  const target = '/content';
  const words = ['sync', definition, '--to', target, ...(address === '' ? [] : ['--address', address])];
  const result = spawnSync(process.execPath, [depot, ...words, ...secretFlags()], { stdio: 'inherit' });
  if (result.status !== 0) {
    throw new Error(
      `\`fleet-depot ${words.join(' ')}\` ended with ${result.status}. For another registry: --build-arg ADDRESS=URL, --secret id=ca,src=FILE, ` +
        '--secret id=keyring,src=FILE. Without a network in the build, run sync before, into a folder of the build context, and name ' +
        'that folder: --build-arg DISTRIBUTION=FOLDER',
    );
  }
  return target;
};

const gathered = () => {
  const place = placeIn(resolve(context), distribution);
  return place?.isFolder === true ? place.path : fetched(place?.path ?? distribution);
};

try {
  if (!distribution) {
    throw new Error('DISTRIBUTION is empty');
  }
  const limit = Number(bytes);
  if (!Number.isSafeInteger(limit) || limit < 1024 ** 2) {
    throw new Error(`LAYER_BYTES must be a number of bytes from 1048576 on, not '${bytes}'`);
  }
  const folder = gathered();
  await checkRecorded(program, folder);
  const made = splitContent(folder, parts, { parts: 32, limit });
  process.stdout.write(`${made.files} files, ${made.bytes} bytes, in ${made.filled} layers\n`);
} catch (error) {
  process.stderr.write(`error: ${error.message}\n`);
  process.exit(1);
}

import type { Command } from 'commander';
import { parseBytes } from '../../config/bytes.ts';
import { DepotError } from '../../domain/errors.ts';
import { parsePlatform, type Platform } from '../../image/image-config.ts';

/** The flags of `image`, as commander hands them over. */
export interface ImageFlags {
  readonly content: string;
  readonly output: string;
  readonly base?: string;
  readonly layerSize: string;
  readonly tag: string;
  readonly platform?: string;
  readonly into: string;
  readonly env: readonly string[];
  readonly label: readonly string[];
  readonly replace?: boolean;
  readonly index: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const examples = `
Examples:
  docker save -o server.tar fleet-depot:latest
  fleet-depot image --content /srv/depot --base server.tar --tag fleet-depot:lite -o fleet-depot-lite.tar
  docker load -i fleet-depot-lite.tar
  skopeo copy oci-archive:fleet-depot-lite.tar docker://registry.example/fleet-depot:lite

Without --base the image holds the packages alone and runs nothing: mount it as a volume, or COPY from it.
SOURCE_DATE_EPOCH sets the time of image and files; without it the base image's own is taken.`;

/** Adds them. */
export const addOptions = (command: Command): Command =>
  command
    .description('Make a container image with packages, without a container engine')
    .requiredOption('--content <dir>', 'folder of packages, or a depot (its current snapshot)')
    .requiredOption('-o, --output <file>', 'the image archive, for `docker load` and skopeo')
    .option('--base <archive>', 'image to build upon, as `docker save` or skopeo wrote it')
    .option('--tag <name:tag>', 'name of the image', 'fleet-depot:latest')
    .option('--layer-size <size>', 'no layer of packages is larger', '900MiB')
    .option('--platform <os/arch>', 'which image of the base (default without a base: linux/amd64)')
    .option('--into <folder>', 'where the packages are in the image', '/packages/distribution')
    .option('--env <key=value>', 'variable of the image; may be repeated', collect, [])
    .option('--label <key=value>', 'label of the image; may be repeated', collect, [])
    .option('--no-index', 'leave out the index that the first start would read instead of all packages')
    .option('--replace', 'write over the output')
    .option('--quiet', 'no progress')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', examples);

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

/** What is wrong with a flag. */
export const usage = (reason: string): DepotError => new DepotError('USAGE', { reason });

/** Reads `linux/amd64`. Throws USAGE, as the others here. */
export const readPlatform = (text: string | undefined): Platform | undefined => {
  const platform = text === undefined ? undefined : parsePlatform(text);
  if (text !== undefined && platform === undefined) {
    throw usage(`--platform takes OS/ARCHITECTURE such as linux/amd64, not '${text}'`);
  }
  return platform;
};

/** Reads `900MiB`, in bytes. */
export const readLayerSize = (text: string): number => {
  const bytes = parseBytes(text);
  if (bytes < 1024 ** 2) {
    throw usage(`--layer-size must be at least 1MiB, not '${text}'`);
  }
  return bytes;
};

/** Reads an absolute folder. */
export const readInto = (text: string): string => {
  if (!/^(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$/.test(text)) {
    throw usage(`--into takes an absolute folder such as /packages/distribution, not '${text}'`);
  }
  return text;
};

/** Reads `KEY=VALUE`. */
export const readPair = (flag: string, text: string): readonly [string, string] => {
  const at = text.indexOf('=');
  if (at < 1 || /[\0\n]/.test(text)) {
    throw usage(`${flag} takes KEY=VALUE, not '${text}'`);
  }
  return [text.slice(0, at), text.slice(at + 1)];
};

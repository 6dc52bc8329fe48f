import path from 'node:path';
import type { Command } from 'commander';
import { formatBytes, parseBytes } from '../config/bytes.ts';
import { countOf } from '../domain/count.ts';
import { DepotError } from '../domain/errors.ts';
import { parsePlatform, type Platform } from '../image/image-config.ts';
import { parseImageName } from '../image/image-name.ts';
import { makeImage, type ImageResult } from '../image/make-image.ts';
import { recordedContent } from './image/recorded-content.ts';
import { createIndexMaker } from './image/index-maker.ts';
import { createNoteLog } from './note-log.ts';
import { createOutput, type Output, type Progress } from './output.ts';
import { readSourceDate } from './source-date.ts';
import { exitCodes, type CommandIo, type Verb } from './verb.ts';

interface ImageFlags {
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

/** `fleet-depot image`: a loadable container image of packages, made without a container engine. */
export const image: Verb = {
  name: 'image',
  register(program, io, finish) {
    addOptions(program.command('image')).action(async (flags: ImageFlags) => {
      finish(await run(flags, io));
    });
  },
};

const addOptions = (command: Command): Command =>
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

const run = async (flags: ImageFlags, io: CommandIo): Promise<number> => {
  const output = createOutput(io, { quiet: flags.quiet === true || flags.json === true });
  if (!path.relative(path.resolve(flags.content), path.resolve(flags.output)).startsWith('..')) {
    throw usage(`the image ${flags.output} would lie inside ${flags.content}; name another place with -o`);
  }
  if (flags.output === '-') {
    throw usage('an image is written to a file, which is whole before it gets its name: -o FILE');
  }
  const platform = readPlatform(flags.platform);
  const date = readSourceDate(io.env);
  const time = date && date.getTime() / 1000;
  let progress: Progress | undefined;
  let shown = 0;
  try {
    const result = await makeImage({
      content: flags.content,
      output: flags.output,
      name: parseImageName(flags.tag),
      layerBytes: readLayerSize(flags.layerSize),
      into: readInto(flags.into),
      env: flags.env.map((text) => readPair('--env', text).join('=')),
      labels: Object.fromEntries(flags.label.map((text) => readPair('--label', text))),
      replace: flags.replace === true,
      recorded: recordedContent,
      signal: io.signal,
      onProgress: (done, total) => {
        progress ??= output.progress('image', total, 'bytes');
        progress.advance(done - shown);
        shown = done;
      },
      ...(flags.base === undefined ? {} : { base: flags.base }),
      ...(flags.index ? { makeIndex: createIndexMaker(createNoteLog(output)) } : {}),
      ...(platform === undefined ? {} : { platform }),
      ...(time === undefined ? {} : { time }),
    });
    progress?.end();
    progress = undefined;
    report(result, flags, output);
    return exitCodes.ok;
  } catch (error) {
    progress?.end();
    if (io.signal.aborted) {
      io.stderr.write('interrupted: nothing was left behind\n');
      return exitCodes.failed;
    }
    throw error;
  }
};

const report = (result: ImageResult, flags: ImageFlags, output: Output): void => {
  if (flags.json === true) {
    output.json(result);
    return;
  }
  output.table(
    ['LAYER', 'FILES', 'SIZE', 'DIGEST'],
    result.layers.map(({ files, size, digest }, at) => [
      result.baseLayers + at + 1,
      files,
      formatBytes(size),
      digest,
    ]),
  );
  output.line(
    `${result.output}: ${result.name}, ${countOf(result.files, 'file')}, ${formatBytes(result.bytes)}`,
  );
  reportIndex(result.index, output);
  output.line(`manifest ${result.digest}`);
  output.line(`load it: docker load -i ${result.output}`);
};

const reportIndex = (index: ImageResult['index'], output: Output): void => {
  if (index === undefined) {
    return;
  }
  if ('reason' in index) {
    output.line(`no ready index, a first start reads all packages: ${index.reason}`);
    return;
  }
  const others =
    index.unknown === 0 ? '' : `; ${countOf(index.unknown, 'other is', 'others are')} read at each start`;
  output.line(`ready index of ${countOf(index.packages, 'package')} in ${index.file}${others}`);
};

const usage = (reason: string): DepotError => new DepotError('USAGE', { reason });

const readPlatform = (text: string | undefined): Platform | undefined => {
  const platform = text === undefined ? undefined : parsePlatform(text);
  if (text !== undefined && platform === undefined) {
    throw usage(`--platform takes OS/ARCHITECTURE such as linux/amd64, not '${text}'`);
  }
  return platform;
};

const readLayerSize = (text: string): number => {
  const bytes = parseBytes(text);
  if (bytes < 1024 ** 2) {
    throw usage(`--layer-size must be at least 1MiB, not '${text}'`);
  }
  return bytes;
};

const readInto = (text: string): string => {
  if (!/^(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$/.test(text)) {
    throw usage(`--into takes an absolute folder such as /packages/distribution, not '${text}'`);
  }
  return text;
};

const readPair = (flag: string, text: string): readonly [string, string] => {
  const at = text.indexOf('=');
  if (at < 1 || /[\0\n]/.test(text)) {
    throw usage(`${flag} takes KEY=VALUE, not '${text}'`);
  }
  return [text.slice(0, at), text.slice(at + 1)];
};

import path from 'node:path';
import { parseImageName } from '../image/image-name.ts';
import { makeImage } from '../image/make-image.ts';
import {
  addOptions,
  readInto,
  readLayerSize,
  readPair,
  readPlatform,
  usage,
  type ImageFlags,
} from './image/flags.ts';
import { recordedContent } from './image/recorded-content.ts';
import { createIndexMaker } from './image/index-maker.ts';
import { report } from './image/report.ts';
import { createNoteLog } from './note-log.ts';
import { createOutput, type Progress } from './output.ts';
import { readSourceDate } from './source-date.ts';
import { exitCodes, type CommandIo, type Verb } from './verb.ts';

/** `fleet-depot image`: a loadable container image of packages, made without a container engine. */
export const image: Verb = {
  name: 'image',
  register(program, io, finish) {
    addOptions(program.command('image')).action(async (flags: ImageFlags) => {
      finish(await run(flags, io));
    });
  },
};

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

import { formatBytes } from '../../config/bytes.ts';
import { countOf } from '../../domain/count.ts';
import type { ImageResult } from '../../image/make-image.ts';
import type { Output } from '../output.ts';
import type { ImageFlags } from './flags.ts';

/** Shows what was made, and how it is loaded. */
export const report = (result: ImageResult, flags: ImageFlags, output: Output): void => {
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

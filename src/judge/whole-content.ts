import { imageFile } from '../domain/image.ts';
import type { PackageInfo } from '../domain/package.ts';
import type { ProblemList } from '../domain/problem.ts';
import type { PackageFiles, PackageRef } from '../source/source.ts';
import type { ContentReader } from './content.ts';

/** Archives of up to this many bytes are read whole: it costs no more than opening them. */
const smallArchive = 128 * 1024;

/**
 * Reads files that nothing else of the judgement reads, so that their sizes and CRCs are checked: all of a small archive,
 * README and icons of a large one. The other files of a large one are checked whenever they are served.
 */
export async function checkContent(
  ref: PackageRef,
  files: PackageFiles,
  content: ContentReader,
  info: PackageInfo,
  problems: ProblemList,
): Promise<void> {
  if (ref.kind !== 'zip') {
    return;
  }
  const shown = ['docs/README.md', ...(info.icons ?? []).map(imageFile)].filter((path) => files.has(path));
  const paths = ref.size <= smallArchive ? files.entries.map(({ path }) => path) : shown;
  for (const path of paths) {
    if (!(await content.whole(path, problems))) {
      return;
    }
  }
}

import type { DataStream } from '../domain/data-stream.ts';
import { missingFields } from '../domain/field-definitions.ts';
import type { ProblemList } from '../domain/problem.ts';
import type { PackageFiles } from '../source/source.ts';
import type { ContentReader } from './content.ts';

const pipelines = 'elasticsearch/ingest_pipeline';

/** Checks the files of one data stream beside its manifest: fields and the ingest pipeline that it names. */
export async function validateDataStream(
  folder: string,
  dataStream: DataStream,
  files: PackageFiles,
  content: ContentReader,
  problems: ProblemList,
): Promise<void> {
  const base = `data_stream/${folder}`;
  // As the reference does, a name below `elasticsearch` is taken as it is: such a pipeline may come from elsewhere.
  const named = dataStream.ingest_pipeline;
  if (named !== undefined) {
    await validatePipeline(`${base}/${pipelines}/${named}`, base, files, content, problems);
  } else if (dataStream.elasticsearch?.['ingest_pipeline.name'] === undefined) {
    refuseUnused(base, files, problems);
  }
  const prefix = `${base}/fields/`;
  const isIn = (path: string): boolean => path.startsWith(prefix) && !path.includes('/', prefix.length);
  for (const inner of files.folders.filter(isIn)) {
    problems.invalid(inner, 'is a folder; only files that define fields lie beside it');
  }
  const definitions = files.entries.filter(({ path }) => isIn(path));
  const defined = await Promise.all(definitions.map(({ path }) => content.fields(path, problems)));
  if (defined.every((list) => list !== undefined)) {
    for (const lack of missingFields(defined.flat())) {
      problems.invalid(`${base}/fields`, lack);
    }
  }
}

/** As the reference does, pipelines that no document would ever go through are taken for a mistake. */
function refuseUnused(base: string, files: PackageFiles, problems: ProblemList): void {
  const prefix = `${base}/${pipelines}/`;
  const unused = [...files.entries.map(({ path }) => path), ...files.folders].find(
    (path) => path.startsWith(prefix) && !path.includes('/', prefix.length),
  );
  if (unused !== undefined) {
    problems.invalid(
      `${base}/manifest.yml`,
      `ingest_pipeline is not set and there is no ${pipelines}/default.yml (or .json), so that ${unused} is unused`,
    );
  }
}

async function validatePipeline(
  path: string,
  base: string,
  files: PackageFiles,
  content: ContentReader,
  problems: ProblemList,
): Promise<void> {
  const found = [`${path}.json`, `${path}.yml`].filter((file) => files.has(file));
  if (found.length === 0) {
    problems.invalid(
      `${base}/manifest.yml`,
      `the ingest pipeline ${path}.yml (or .json) is not in the package`,
    );
  }
  for (const file of found) {
    await content.pipeline(file, problems);
  }
}

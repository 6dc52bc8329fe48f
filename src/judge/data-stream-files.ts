import type { DataStream } from '../domain/data-stream.ts';
import { missingFields } from '../domain/field-definitions.ts';
import type { ProblemList } from '../domain/problem.ts';
import type { PackageFiles } from '../source/source.ts';
import type { ContentReader } from './content.ts';

/** Checks the files of one data stream beside its manifest: fields and the ingest pipeline that it names. */
export async function validateDataStream(
  folder: string,
  dataStream: DataStream,
  files: PackageFiles,
  content: ContentReader,
  problems: ProblemList,
): Promise<void> {
  const base = `data_stream/${folder}`;
  const pipeline = dataStream.elasticsearch?.['ingest_pipeline.name'] ?? dataStream.ingest_pipeline;
  if (pipeline !== undefined) {
    await validatePipeline(
      `${base}/elasticsearch/ingest_pipeline/${pipeline}`,
      base,
      files,
      content,
      problems,
    );
  }
  const prefix = `${base}/fields/`;
  const definitions = files.entries.filter(
    ({ path }) => path.startsWith(prefix) && !path.includes('/', prefix.length),
  );
  const defined = await Promise.all(definitions.map(({ path }) => content.fields(path, problems)));
  if (defined.every((list) => list !== undefined)) {
    for (const lack of missingFields(defined.flat())) {
      problems.invalid(`${base}/fields`, lack);
    }
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

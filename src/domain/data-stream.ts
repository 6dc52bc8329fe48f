import type { AgentNeeds } from './agent-needs.ts';
import { decodeAgentNeeds } from './agent-needs.ts';
import type { Deprecation } from './deprecation.ts';
import { decodeDeprecation } from './deprecation.ts';
import type { Fields } from './fields.ts';
import { ingestionMethod } from './ingestion-method.ts';
import type { Json } from './json.ts';
import { isRelease } from './release.ts';
import type { Stream } from './stream.ts';
import { decodeStream } from './stream.ts';

/** What Elasticsearch is told of a data stream. */
export interface DataStreamElasticsearch {
  readonly 'index_template.settings': Json;
  readonly 'index_template.mappings': Json;
  readonly 'ingest_pipeline.name': string | undefined;
  readonly privileges: { readonly indices: readonly string[] | undefined } | undefined;
}

/** A data stream as the package answer shows it; the order of the fields is the answer's. */
export interface DataStream {
  readonly type: string;
  readonly dataset: string;
  readonly hidden: true | undefined;
  readonly ilm_policy: string | undefined;
  readonly dataset_is_prefix: true | undefined;
  readonly title: string;
  readonly release: string;
  readonly ingest_pipeline: string | undefined;
  readonly streams: readonly Stream[] | undefined;
  readonly package: string | undefined;
  readonly elasticsearch: DataStreamElasticsearch | undefined;
  readonly agent: AgentNeeds | undefined;
  readonly path: string | undefined;
  readonly deprecated: Deprecation | undefined;
}

/** What a data stream's fields are completed with. */
export interface DataStreamContext {
  readonly package: string;
  readonly release: string;
  /** The folder below `data_stream/`. */
  readonly folder: string;
  hasFile(path: string): boolean;
}

const types = new Set(['logs', 'metrics', 'synthetics', 'traces']);

/** One `data_stream/{folder}/manifest.yml`. */
export function decodeDataStream(fields: Fields, context: DataStreamContext): DataStream {
  const type = fields.required('type');
  const dataset = fields.text('dataset') || `${context.package}.${context.folder}`;
  const release = fields.text('release') || context.release;
  const pipelines = `data_stream/${context.folder}/elasticsearch/ingest_pipeline`;
  const hasDefault = ['json', 'yml'].some((extension) =>
    context.hasFile(`${pipelines}/default.${extension}`),
  );
  const elasticsearch = decodeElasticsearch(fields, hasDefault);
  const named = fields.text('ingest_pipeline');
  const isNamedBelow = Boolean(fields.map('elasticsearch')?.below('ingest_pipeline')?.text('name'));
  // As in the reference: without a name below `elasticsearch` the default goes before the old key.
  const fallsBack = (elasticsearch !== undefined && !isNamedBelow) || named === '';
  if (type !== '' && !types.has(type)) {
    fields.invalid(`type is "${type}", only ${[...types].join(', ')} are known`);
  }
  if (dataset.includes('-')) {
    fields.invalid(`dataset is "${dataset}", a dataset has no hyphen`);
  }
  if (!isRelease(release)) {
    fields.broken(`release is "${release}", only experimental, beta and ga are known`);
  }
  return {
    type,
    dataset,
    hidden: fields.flag('hidden') || undefined,
    ilm_policy: fields.text('ilm_policy') || undefined,
    dataset_is_prefix: fields.flag('dataset_is_prefix') || undefined,
    title: fields.required('title'),
    release,
    ingest_pipeline: (fallsBack && hasDefault ? 'default' : named) || undefined,
    streams: decodeStreams(fields),
    package: (fields.optional('package') ?? context.package) || undefined,
    elasticsearch,
    agent: decodeAgentNeeds(fields),
    path: (fields.optional('path') ?? context.folder) || undefined,
    deprecated: decodeDeprecation(fields),
  };
}

function decodeElasticsearch(fields: Fields, hasDefault: boolean): DataStreamElasticsearch | undefined {
  const elasticsearch = fields.map('elasticsearch');
  const template = elasticsearch?.below('index_template');
  const privileges = elasticsearch?.map('privileges');
  const indices = privileges?.texts('indices') ?? [];
  return (
    elasticsearch && {
      'index_template.settings': template?.freeMap('settings'),
      'index_template.mappings': template?.freeMap('mappings'),
      'ingest_pipeline.name':
        elasticsearch.below('ingest_pipeline')?.text('name') || (hasDefault ? 'default' : undefined),
      privileges: privileges && { indices: indices.length > 0 ? indices : undefined },
    }
  );
}

function decodeStreams(fields: Fields): readonly Stream[] | undefined {
  const streams = fields.list('streams').map((entry): Stream => {
    const stream = decodeStream(entry);
    const { input, package: source } = stream;
    if (!input === !source) {
      entry.invalid(`${entry.at} has ${input ? 'both input and package' : 'neither input nor package'}`);
    }
    return {
      ...stream,
      template_path: stream.template_path ?? 'stream.yml.hbs',
      enabled: stream.enabled ?? true,
      ingestion_method: (input && ingestionMethod(input)) || stream.ingestion_method,
    };
  });
  return streams.length > 0 ? streams : undefined;
}

import type { Fields } from './fields.ts';
import type { Variable } from './variable.ts';
import { decodeVariables } from './variable.ts';

/** How an input collects a data stream, as a manifest tells it. The order of the fields is the answer's. */
export interface Stream {
  readonly input: string | undefined;
  readonly package: string | undefined;
  readonly vars: readonly Variable[] | undefined;
  readonly data_stream: string | undefined;
  readonly template_path: string | undefined;
  readonly title: string | undefined;
  readonly description: string | undefined;
  readonly enabled: boolean | undefined;
  readonly ingestion_method: string | undefined;
}

/** One of the `streams` of a data stream or of an input, without any default. */
export function decodeStream(fields: Fields): Stream {
  return {
    input: fields.text('input') || undefined,
    package: fields.text('package') || undefined,
    vars: decodeVariables(fields),
    data_stream: fields.text('data_stream') || undefined,
    template_path: fields.text('template_path') || undefined,
    title: fields.text('title') || undefined,
    description: fields.text('description') || undefined,
    enabled: fields.flag('enabled'),
    ingestion_method: fields.text('ingestion_method') || undefined,
  };
}

import type { Encoding } from '../answer/body.ts';
import { createMemo } from './memo.ts';

/**
 * `gzip` where the client takes it and doesn't like the plain bytes better, by the Accept-Encoding header (RFC 9110,
 * 12.5.3).
 */
export function chooseEncoding(header: string | string[] | undefined): Encoding {
  if (header === undefined || header === '') {
    return 'identity';
  }
  const weights = new Map<string, number>();
  for (const part of (Array.isArray(header) ? header.join(',') : header).split(',')) {
    const [coding = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    weights.set(coding === 'x-gzip' ? 'gzip' : coding, weightOf(parameters));
  }
  const gzip = weights.get('gzip') ?? weights.get('*') ?? 0;
  return gzip > 0 && gzip >= (weights.get('identity') ?? 0) ? 'gzip' : 'identity';
}

/** The same for many requests: clients send few different headers. */
export function createEncodingChoice(): typeof chooseEncoding {
  const choose = createMemo<Encoding>(chooseEncoding, 64);
  return (header) => (typeof header === 'string' ? choose(header) : chooseEncoding(header));
}

/** 1 where there is no weight, or none that can be read. */
function weightOf(parameters: readonly string[]): number {
  const text = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
  const weight = text === undefined || text === '' ? 1 : Number(text);
  return Number.isNaN(weight) ? 1 : weight;
}

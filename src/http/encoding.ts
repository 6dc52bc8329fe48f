import type { Encoding } from '../answer/body.ts';

/** `gzip` where the client takes it, by the Accept-Encoding header (RFC 9110, 12.5.3). */
export function chooseEncoding(header: string | string[] | undefined): Encoding {
  if (header === undefined || header === '') {
    return 'identity';
  }
  let best: Encoding = 'identity';
  for (const part of (Array.isArray(header) ? header.join(',') : header).split(',')) {
    const [coding = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    if (coding === 'gzip' || coding === 'x-gzip' || coding === '*') {
      const refused = parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
      if (coding !== '*') {
        return refused ? 'identity' : 'gzip';
      }
      best = refused ? best : 'gzip';
    }
  }
  return best;
}

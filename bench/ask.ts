import { get, Agent, type IncomingHttpHeaders } from 'node:http';
import { buffer } from 'node:stream/consumers';

/** An answer as it came, nothing unpacked. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
}

/** Asks once. The bytes are as they were sent: `fetch` would unpack them. */
export const askRaw = (
  url: string,
  headers: Readonly<Record<string, string>> = {},
  agent?: Agent,
): Promise<RawAnswer> =>
  new Promise((resolve, reject) => {
    get(url, { headers, ...(agent === undefined ? {} : { agent }) }, (response) => {
      buffer(response).then(
        (bytes) => resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes }),
        reject,
      );
    }).on('error', reject);
  });

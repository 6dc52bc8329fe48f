import { request, type Agent } from 'node:http';
import { connect } from 'node:net';
import { gunzipSync } from 'node:zlib';

/** An answer as it came over the wire. */
export interface Reply {
  readonly status: number;
  /** Every value of a header, one for each line. */
  lines(name: string): readonly string[];
  /** The one value of a header; undefined without it. */
  header(name: string): string | undefined;
  readonly headers: Readonly<Record<string, readonly string[] | undefined>>;
  /** As it came, perhaps compressed. */
  readonly body: Buffer;
  /** Decompressed text. */
  readonly text: string;
}

/** How to ask; the path goes out exactly as it is written. */
export interface AskOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Keeps connections for the next question; without one each has its own. */
  readonly agent?: Agent;
}

/** Asks. Rejects where the answer ends before its length. */
export const get = (base: string, path: string, options: AskOptions = {}): Promise<Reply> => {
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    const headers = Object.fromEntries(
      Object.entries(options.headers ?? {}).map(([name, value]) => [
        name,
        typeof value === 'string' ? value : [...value],
      ]),
    );
    const method = options.method ?? 'GET';
    const outgoing = request(
      { hostname, port, path, method, headers, agent: options.agent ?? false },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const body = Buffer.concat(chunks);
          const all = incoming.headersDistinct;
          const isGzip = all['content-encoding']?.[0] === 'gzip' && body.length > 0;
          resolve({
            status: incoming.statusCode ?? 0,
            lines: (name) => all[name.toLowerCase()] ?? [],
            header: (name) => all[name.toLowerCase()]?.[0],
            headers: all,
            body,
            text: (isGzip ? gunzipSync(body) : body).toString('utf8'),
          });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end();
  });
};

/** The body as JSON. */
export const getJson = async <T>(base: string, path: string, options?: AskOptions): Promise<T> =>
  JSON.parse((await get(base, path, options)).text) as T;

/** Sends bytes as they are and gives back all that comes until the other side closes. */
export const talk = (base: string, text: string): Promise<string> => {
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect({ host: hostname, port: Number(port) }, () => socket.write(text));
    socket.setEncoding('latin1');
    socket.on('data', (piece: string) => {
      answer += piece;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
  });
};

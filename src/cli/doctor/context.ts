import type { Readable } from 'node:stream';
import { gunzipSync, inflateSync } from 'node:zlib';
import { DepotError, messageOf } from '../../domain/errors.ts';
import { readBody, reportedFault, type HttpClient } from '../../net/http.ts';

/** The outcome of one check. */
export interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'warning' | 'failed';
  /** What was seen. */
  readonly note: string;
  /** What to do about it. */
  readonly advice?: string;
}

/** An answer that was read whole. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

/** The body as clients get it: they take gzip and deflate off by themselves. */
export const unzipped = ({ headers, body }: Answer): Buffer => {
  const encoding = headers['content-encoding'];
  return encoding === 'gzip' ? gunzipSync(body) : encoding === 'deflate' ? inflateSync(body) : body;
};

/** The body as what it is taken for. Throws SyntaxError where it is no JSON. */
export const jsonOf = (answer: Answer): unknown => JSON.parse(unzipped(answer).toString('utf8'));

/** What checks work with. */
export interface DoctorContext {
  /** As the operator gave it, without slash at its end. */
  readonly base: string;
  readonly client: HttpClient;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Appends `path` to the base as Kibana does: without any thought. Follows no redirects. */
  ask(path: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** As `ask`, but hands the body over piece by piece. */
  pour(path: string, take: (body: Readable) => Promise<void>): Promise<Omit<Answer, 'body'>>;
}

const maxAnswerBytes = 512 * 1024 * 1024;

/** What Kibana sends. */
const kibanaHeaders = { accept: '*/*', 'accept-encoding': 'gzip,deflate' };

/** What asks one address; `headers` go with every request. */
export const createDoctorContext = (
  base: string,
  client: HttpClient,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): DoctorContext => ({
  base: base.replace(/\/+$/, ''),
  client,
  headers,
  signal,
  async ask(path, more = {}) {
    const url = new URL(base.replace(/\/+$/, '') + path);
    const answer = await unwrapped(
      client.request({ url, headers: { ...kibanaHeaders, ...headers, ...more }, signal }),
    );
    return { status: answer.status, headers: answer.headers, body: await readBody(answer, maxAnswerBytes) };
  },
  async pour(path, take) {
    const url = new URL(base.replace(/\/+$/, '') + path);
    const answer = await unwrapped(
      client.request({ url, headers: { 'accept-encoding': 'gzip', ...headers }, signal }),
    );
    await take(answer.body);
    return { status: answer.status, headers: answer.headers };
  },
});

const unwrapped = async <T>(asked: Promise<T>): Promise<T> => {
  try {
    return await asked;
  } catch (error) {
    throw reportedFault(error);
  }
};

/** Runs a check; what it throws is its failure. */
export const attempt = async (
  check: string,
  run: () => Promise<Finding | readonly Finding[]>,
): Promise<readonly Finding[]> => {
  try {
    const found = await run();
    return Array.isArray(found) ? (found as readonly Finding[]) : [found as Finding];
  } catch (error) {
    if (error instanceof DepotError && error.code === 'INTERRUPTED') {
      throw error;
    }
    // What the catalogue says is for who fetches: here nothing goes on where it stopped.
    const advice =
      error instanceof DepotError
        ? 'something on the way, or the server, ended the answer early: look at its log and at time limits of proxies'
        : 'the answer has not the form that clients read: what answers there?';
    return [
      {
        check,
        state: 'failed',
        note: messageOf(error),
        advice,
      },
    ];
  }
};

/** A check that found nothing wrong. */
export const ok = (check: string, note: string): Finding => ({ check, state: 'ok', note });
/** A check that found what may be meant so. */
export const warning = (check: string, note: string, advice: string): Finding => ({
  check,
  state: 'warning',
  note,
  advice,
});
/** A check that found what clients fail with. */
export const failed = (check: string, note: string, advice: string): Finding => ({
  check,
  state: 'failed',
  note,
  advice,
});

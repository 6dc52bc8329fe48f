import { get as getHttp, type IncomingMessage } from 'node:http';
import { get as getHttps } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { nameOf } from '../config/setting.ts';
import { settings, type Config } from '../config/settings.ts';
import { DepotError } from '../domain/errors.ts';
import { describeFailure } from '../net/failure.ts';
import { showUrl } from '../net/http.ts';
import { loadTlsPair } from '../net/tls.ts';
import { readHttpAddress } from './base-address.ts';
import { environmentConfig } from './environment-config.ts';
import { exitCodes, type CommandIo, type Verb } from './verb.ts';

/** `fleet-depot health [URL]`: asks a server how it is; the image's HEALTHCHECK. */
export const health: Verb = {
  name: 'health',
  register: (program, io, finish) => {
    program
      .command('health')
      .argument(
        '[url]',
        'server to ask; without it the one that EPR_ADDRESS and EPR_TLS_CERT of this environment start',
      )
      .description('Ask a server for its health: exit 0 when it is ready, 1 when not')
      .option('--timeout <seconds>', 'give up after this long', '5')
      .action(async (url: string | undefined, options: { readonly timeout: string }) =>
        finish(await run(url, Number(options.timeout) * 1000, io)),
      );
  },
};

const run = async (url: string | undefined, timeout: number, io: CommandIo): Promise<number> => {
  const config = environmentConfig(io.env);
  if (!(timeout > 0)) {
    throw new DepotError('USAGE', { reason: '--timeout: write a number of seconds above 0' });
  }
  const target = url === undefined ? ownAddress(config) : targetOf(url);
  const isOwn = ['localhost', '127.0.0.1', '[::1]'].includes(target.hostname) || url === undefined;
  const own = isOwn && target.protocol === 'https:' ? await ownCertificate(config) : undefined;
  try {
    const { status, body } = await ask(target, own, timeout);
    if (own?.problem !== undefined) {
      io.stderr.write(`note: the server goes on with an earlier certificate: ${own.problem}\n`);
    }
    io.stdout.write(
      `${status === 200 ? 'ready' : `not ready (${status})`}: ${body.trim().replace(/\s+/g, ' ')}\n`,
    );
    if (status === 400 && target.protocol === 'http:') {
      io.stderr.write('note: a port with TLS answers so; is it https://?\n');
    }
    return status === 200 ? exitCodes.ok : exitCodes.failed;
  } catch (error) {
    io.stderr.write(`error: ${showUrl(target)}: ${reasonOf(error, timeout)}\n`);
    return exitCodes.failed;
  }
};

/** What this file says itself stays; what the system says is put in words. */
const reasonOf = (error: unknown, timeout: number): string => {
  if (error instanceof Refusal) {
    return error.message;
  }
  const times = { connectTimeout: timeout, headersTimeout: timeout, bodyTimeout: timeout };
  return describeFailure(error, times).reason;
};

class Refusal extends Error {}

const targetOf = (text: string): URL => {
  const url = readHttpAddress(text, 'the address');
  if (url.hash !== '') {
    throw new DepotError('USAGE', { reason: `'${text}' has a fragment, which no server ever sees` });
  }
  if (!url.pathname.endsWith('/health')) {
    url.pathname = `${url.pathname.replace(/\/+$/, '')}/health`;
  }
  return url;
};

const ownAddress = (config: Config): URL => {
  const { host, port } = config.address;
  // By number, because a bare container knows no `localhost`.
  const own = host === '' || host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  const name = own.includes(':') ? `[${own}]` : own;
  return new URL(`${config.tlsCert === undefined ? 'http' : 'https'}://${name}:${port}/health`);
};

/** The certificate that the server of this environment should show, or what is wrong with the files of it. */
type OwnCertificate =
  | { readonly fingerprint: string; readonly problem?: never }
  | { readonly fingerprint?: never; readonly problem: string };

/**
 * A renewal that went wrong leaves a server with the pair that it has; to call it unhealthy would have it started anew, which
 * ends with those files.
 */
const ownCertificate = async (config: Config): Promise<OwnCertificate | undefined> => {
  const { tlsCert, tlsKey, tlsMinVersion = '1.0' } = config;
  if (tlsCert === undefined || tlsKey === undefined) {
    return undefined;
  }
  try {
    const { certificate } = await loadTlsPair({
      certificate: { path: tlsCert, ...nameOf(settings.tlsCert) },
      key: { path: tlsKey, ...nameOf(settings.tlsKey) },
      minVersion: tlsMinVersion,
    });
    return { fingerprint: certificate.fingerprint256 };
  } catch (error) {
    return { problem: (error as Error).message };
  }
};

interface Answer {
  readonly status: number;
  readonly body: string;
}

/**
 * One request. A server of this machine may have any certificate, as its name is rarely `localhost`, but only the very one that
 * is configured: its fingerprint is compared instead of its name and issuer, where its files are good.
 */
const ask = (target: URL, own: OwnCertificate | undefined, timeout: number): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeout);
    const expected = own?.fingerprint;
    const receive = (response: IncomingMessage): void => {
      const shown = (response.socket as TLSSocket).getPeerX509Certificate?.()?.fingerprint256;
      if (expected !== undefined && shown !== expected) {
        response.destroy();
        reject(new Refusal('the server shows another certificate than the configured one'));
        return;
      }
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        body = `${body}${text}`.slice(0, 4096);
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.on('error', reject);
    };
    const options = { agent: false, signal, headers: { 'User-Agent': 'fleet-depot-health' } };
    const request =
      target.protocol === 'https:'
        ? getHttps(target, { ...options, rejectUnauthorized: own === undefined }, receive)
        : getHttp(target, options, receive);
    request.on('error', (error) =>
      reject(signal.aborted ? new Refusal(`no answer within ${timeout / 1000} s`) : error),
    );
  });

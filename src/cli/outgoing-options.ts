import type { Command } from 'commander';
import { DepotError } from '../domain/errors.ts';
import type { ClientSettings } from '../net/client-settings.ts';
import { parseHeaders, resolveProxy } from '../net/proxy.ts';
import type { RetryPolicy } from '../net/retry.ts';
import { defaultRetryPolicy } from '../net/retry.ts';
import { readTlsMaterial } from '../net/tls-material.ts';
import type { CommandIo } from './verb.ts';

/** Flags of every verb that goes out, as commander hands them over. */
export interface OutgoingOptions {
  readonly proxy?: string;
  readonly proxyAuthFile?: string;
  readonly proxyHeader: readonly string[];
  readonly proxyCa?: string;
  readonly proxyClientCert?: string;
  readonly proxyClientKey?: string;
  readonly ca?: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
  readonly connectTimeout: string;
  readonly timeout: string;
  readonly stallTimeout: string;
  readonly retries: string;
  readonly retryDelay: string;
}

/** Adds the flags for proxies, certificates, times and retries. */
export function addOutgoingOptions(command: Command): Command {
  return command
    .option(
      '--proxy <url>',
      'proxy for everything, http(s)://USER:PASSWORD@HOST:PORT (else HTTPS_PROXY, HTTP_PROXY, NO_PROXY)',
    )
    .option('--proxy-auth-file <file>', "file with the proxy's user:password")
    .option('--proxy-header <header>', 'header for the proxy, "Name: value"; may be repeated', collect, [])
    .option('--proxy-ca <file>', 'PEM of the CA that signed the certificate of an https proxy')
    .option('--proxy-client-cert <file>', 'PEM of the client certificate for the proxy')
    .option('--proxy-client-key <file>', 'PEM of its key')
    .option('--ca <file>', 'PEM of a CA to trust beside the public ones')
    .option('--client-cert <file>', 'PEM of the client certificate for the upstream')
    .option('--client-key <file>', 'PEM of its key')
    .option('--connect-timeout <seconds>', 'for a connection', '20')
    .option('--timeout <seconds>', 'for the first byte of an answer', '60')
    .option('--stall-timeout <seconds>', 'without a byte in the middle of an answer', '60')
    .option('--retries <n>', 'tries again after a fault that may pass, without progress', '4')
    .option('--retry-delay <seconds>', 'before the first new try; doubles each time', '0.5');
}

/** Settles the flags and the environment. Throws DepotError USAGE or PROXY_INVALID. */
export function readOutgoingSettings(
  options: OutgoingOptions,
  { env, signal }: Pick<CommandIo, 'env' | 'signal'>,
  connections: number,
): ClientSettings {
  const { proxy, proxyAuthFile } = options;
  return {
    proxy: resolveProxy(
      {
        ...(proxy === undefined ? {} : { proxy }),
        ...(proxyAuthFile === undefined ? {} : { proxyAuthFile }),
      },
      env,
    ),
    proxyHeaders: parseHeaders(options.proxyHeader),
    proxyTls: readTlsMaterial(
      { ca: options.proxyCa, cert: options.proxyClientCert, key: options.proxyClientKey },
      'proxy-',
      env,
    ),
    tls: readTlsMaterial({ ca: options.ca, cert: options.clientCert, key: options.clientKey }, '', env),
    connections,
    connectTimeout: readSeconds(options.connectTimeout, '--connect-timeout'),
    headersTimeout: readSeconds(options.timeout, '--timeout'),
    bodyTimeout: readSeconds(options.stallTimeout, '--stall-timeout'),
    userAgent: 'fleet-depot',
    signal,
  };
}

/** Reads how often and how soon is tried again. Throws DepotError USAGE. */
export function readRetryPolicy(options: OutgoingOptions): RetryPolicy {
  return {
    ...defaultRetryPolicy,
    attempts: readInteger(options.retries, '--retries', 0, 100) + 1,
    firstDelay: readSeconds(options.retryDelay, '--retry-delay'),
  };
}

/** For options that may be repeated. */
export function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}

/** Reads a whole number within bounds. Throws DepotError USAGE, which names the flag. */
export function readInteger(text: string, flag: string, least: number, most: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) {
    return value;
  }
  throw new DepotError('USAGE', {
    reason: `${flag} must be a whole number from ${least} to ${most}, not '${text}'`,
  });
}

/** Seconds as milliseconds. */
function readSeconds(text: string, flag: string): number {
  const value = /^\d{1,6}(\.\d{1,3})?$/.test(text) ? Math.round(Number(text) * 1000) : Number.NaN;
  if (value > 0) {
    return value;
  }
  throw new DepotError('USAGE', { reason: `${flag} must be seconds above 0, not '${text}'` });
}

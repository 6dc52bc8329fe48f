import { connect as connectPlain, isIP, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { tlsOptions, type TlsMaterial } from './tls-material.ts';

/** Whether an origin is asked over TLS. */
export const isSecure = (origin: URL): boolean => origin.protocol === 'https:';

/** Begins a connection to an origin; what comes goes where `onread` says. */
export function openSocket(origin: URL, tls: TlsMaterial, onread: OnReadOpts): Socket {
  const host = origin.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = Number(origin.port || (isSecure(origin) ? 443 : 80));
  if (!isSecure(origin)) {
    return connectPlain({ host, port, onread });
  }
  // The types don't know that TLS takes `onread` as well (Node's documentation of `tls.connect`).
  const options: ConnectionOptions & { readonly onread: OnReadOpts } = {
    host,
    port,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ALPNProtocols: ['http/1.1'],
    ...tlsOptions(tls),
    onread,
  };
  return connectTls(options);
}

/** With the codes of undici: what a failure means is then said in one place, `failure.ts`. */
export class ConnectionFault extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

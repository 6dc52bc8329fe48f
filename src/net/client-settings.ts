import type { ProxySettings } from './proxy.ts';
import type { TlsMaterial } from './tls-material.ts';

/** How to go out. Times in milliseconds. */
export interface ClientSettings {
  readonly proxy: ProxySettings;
  /** Sent to the proxy only: on CONNECT, and with each request where it isn't tunnelled. */
  readonly proxyHeaders: Readonly<Record<string, string>>;
  readonly proxyTls: TlsMaterial;
  /** Own CA and client certificate for upstreams. */
  readonly tls: TlsMaterial;
  /** Connections to one host. */
  readonly connections: number;
  readonly connectTimeout: number;
  /** From the request to the answer's head. */
  readonly headersTimeout: number;
  /** Between two pieces of a body: a stalled one is a fault that may pass. */
  readonly bodyTimeout: number;
  readonly userAgent: string;
  /** Ends every request that brings no signal of its own. */
  readonly signal?: AbortSignal;
}

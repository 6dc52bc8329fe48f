import { lookup } from 'node:dns/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { isIP, type AddressInfo } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { countOf } from '../domain/count.ts';
import { DepotError } from '../domain/errors.ts';
import type { Log } from '../telemetry/log.ts';
import { answerBadRequests } from './bad-request.ts';
import { trackConnections, type ConnectionOptions, type Connections } from './connections.ts';
import type { CrowdReason } from './crowd.ts';

/** The part of a TLS identity that a listener needs; net/tls-identity.ts makes one. */
export interface ServerIdentity {
  options(): SecureContextOptions;
  onRenewal(use: (options: SecureContextOptions) => void): () => void;
}

/** What a listener is made of. Times are milliseconds. */
export interface ListenerOptions {
  /** An empty host is every address of the machine. */
  readonly address: { readonly host: string; readonly port: number };
  /** Names of the setting that holds the address, for messages: `-address`, `EPR_ADDRESS`. */
  readonly setting: { readonly flag: string; readonly variable: string };
  /** May return a promise, as Koa's does; the listener doesn't wait for it. */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => unknown;
  readonly log: Log;
  /** HTTPS where given, else plain HTTP. */
  readonly identity?: ServerIdentity;
  /** Cut a client that has taken nothing of its answer for this long. */
  readonly writeStallTimeout: number;
  /** From the first byte of a connection or request to the end of its headers, and for a TLS handshake; 20 s where left out. */
  readonly headersTimeout?: number;
  /** Connections at a time, a tenth of them within their TLS handshake; 10,000 where left out. See crowd.ts for which are closed. */
  readonly maxConnections?: number;
  /** Told of each connection that was closed to make room. */
  readonly onCrowded?: (reason: CrowdReason) => void;
}

/** A server that listens. */
export interface Listener {
  /** Where it is reached from this machine: `https://localhost:8080`. */
  readonly url: string;
  readonly port: number;
  /**
   * Takes no more connections and lets running requests finish for `grace` milliseconds; what runs then is cut.
   * Resolves when the last connection is closed; a second call waits for the same end.
   */
  close(grace: number): Promise<void>;
}

const maxHeaderSize = 16 * 1024;
const maxHeadersCount = 100;
const quietTime = 60_000;

/**
 * Listens on the address. Only the request has a time limit; an answer may take hours as long as the client reads.
 * Throws DepotError LISTEN_FAILED where the address is taken, forbidden or unknown.
 */
export const listen = async (options: ListenerOptions): Promise<Listener> => {
  const { identity, log } = options;
  const headersTimeout = options.headersTimeout ?? 20_000;
  const limits = {
    maxHeaderSize,
    headersTimeout,
    requestTimeout: Math.max(60_000, headersTimeout),
    keepAliveTimeout: 75_000,
    // Refused like everything else, and with a text: middleware/host-guard.ts.
    requireHostHeader: false,
    // Node looks at slow requests only this often: by default every 30 s, which would make 20 s up to 50.
    connectionsCheckingInterval: Math.min(2000, headersTimeout),
  };
  const server: Server | TlsServer =
    identity === undefined
      ? createServer(limits)
      : createTlsServer({ ...limits, ...identity.options(), handshakeTimeout: headersTimeout });
  server.maxHeadersCount = maxHeadersCount;
  const stopRenewals = identity?.onRenewal((renewed) => (server as TlsServer).setSecureContext(renewed));
  const connections = trackConnections(server, crowdOptions(options));
  answerBadRequests(server, log, connections);
  server.on('request', (request, response) => {
    connections.begin(request, response);
    options.handler(request, response);
    if (!isWithSystem(response)) {
      // Counts from the last byte that moved in either direction, and knows a slow write that still makes progress. Ends with the
      // answer: then Node sets the time that an idle connection has.
      request.socket.setTimeout(options.writeStallTimeout);
    }
  });

  await bind(server, options);
  // Out of file handles, for one: the connection is lost, the server is not.
  server.on('error', (error) => log.error({ err: error }, 'a connection could not be accepted'));
  const { port } = server.address() as AddressInfo;
  let closed: Promise<void> | undefined;
  return {
    url: `${identity === undefined ? 'http' : 'https'}://${shownHost(options.address.host)}:${port}`,
    port,
    close: (grace) => {
      closed ??= closeServer(server, connections, grace, log).finally(() => stopRenewals?.());
      return closed;
    },
  };
};

/** A flood is told once, and again when there was none for a while. */
const crowdOptions = ({
  maxConnections = 10_000,
  onCrowded,
  address,
  log,
}: ListenerOptions): ConnectionOptions => {
  const limits = { connections: maxConnections, handshakes: Math.max(16, Math.ceil(maxConnections / 10)) };
  const last: Record<CrowdReason, number> = { connections: -Infinity, handshakes: -Infinity };
  const what = { connections: 'connections', handshakes: 'TLS handshakes' } as const;
  return {
    limits,
    onClose: (reason) => {
      onCrowded?.(reason);
      const now = performance.now();
      if (now - last[reason] > quietTime) {
        log.warn(
          { 'event.action': 'connections-crowded' },
          `port ${address.port} has ${limits[reason]} ${what[reason]} at a time, and no more: those that ask nothing are closed (-max-connections, EPR_MAX_CONNECTIONS)`,
        );
      }
      last[reason] = now;
    },
  };
};

/** Whether the answer was written whole and nothing of it waits for the client: small ones are, as soon as they are made. */
const isWithSystem = (response: ServerResponse): boolean =>
  response.writableEnded && response.socket?.writableLength === 0;

const closeServer = (server: Server, connections: Connections, grace: number, log: Log): Promise<void> =>
  new Promise((resolve) => {
    const cut = setTimeout(() => {
      log.warn(
        { 'event.action': 'requests-cut' },
        `${countOf(connections.running, 'request')} still running ${grace / 1000} s after the stop: cut`,
      );
      connections.cut();
    }, grace);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    connections.drain();
  });

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there',
  EACCES: 'this user may not (ports below 1024 need a privilege)',
  EADDRNOTAVAIL: 'this machine does not have that address',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the host name cannot be looked up now',
};

const bind = async (server: Server, options: ListenerOptions): Promise<void> => {
  const { host, port } = options.address;
  try {
    const ip = host === '' ? undefined : await addressOf(host);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, ...(ip === undefined ? {} : { host: ip }) }, () => {
        server.removeListener('error', reject);
        resolve();
      });
    });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    throw new DepotError(
      'LISTEN_FAILED',
      {
        ...options.setting,
        address: `${host.includes(':') ? `[${host}]` : host}:${port}`,
        reason: reasons[code] ?? code,
      },
      error,
    );
  }
};

/** Names prefer IPv4, as Go's net.Listen does: clients that know `localhost` as 127.0.0.1 only must reach us. */
const addressOf = async (host: string): Promise<string> => {
  if (isIP(host.split('%', 1)[0] ?? '') !== 0) {
    return host;
  }
  const found = await lookup(host, { all: true });
  return (found.find(({ family }) => family === 4) ?? found[0])?.address ?? host;
};

const shownHost = (host: string): string => {
  if (host === '' || host === '0.0.0.0' || host === '::') {
    return 'localhost';
  }
  return host.includes(':') ? `[${host}]` : host;
};

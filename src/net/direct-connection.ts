import { connect as connectPlain, isIP, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { isInterim, readAnswerHead, type AnswerHead } from './answer-head.ts';
import { DirectBody, type BodyLine } from './direct-body.ts';
import { tlsOptions, type TlsMaterial } from './tls-material.ts';

/** Times in milliseconds, as in `ClientSettings`. */
export interface ConnectionSettings {
  readonly tls: TlsMaterial;
  readonly connectTimeout: number;
  readonly headersTimeout: number;
  readonly bodyTimeout: number;
}

/** What came to a request. */
export interface DirectAnswer {
  readonly head: AnswerHead;
  readonly body: DirectBody;
}

/** One connection to one origin, for one request after the other. */
export interface DirectConnection {
  /**
   * Sends a request's head, and resolves when the answer's head is there; undefined where that isn't of the ordinary form,
   * after which the connection is gone. Rejects with the errors of Node and undici.
   */
  ask(request: string): Promise<DirectAnswer | undefined>;
  /** Whether no byte of an answer has ever come since the last request. */
  readonly isSilent: boolean;
  destroy(error?: Error): void;
}

/** What undici takes for a head, too. */
const maxHeadBytes = 16 * 1024;

/** Answers before the answer: what sends more doesn't come to it. */
const maxInterims = 16;

interface Asking {
  readonly resolve: (answer: DirectAnswer | undefined) => void;
  readonly reject: (error: Error) => void;
}

type State = 'connecting' | 'idle' | 'head' | 'body';

/** Connects at once. `onFree` is called when a body has come whole and another may follow, `onGone` once at the end. */
export function openConnection(
  origin: URL,
  settings: ConnectionSettings,
  onFree: (connection: DirectConnection) => void,
  onGone: (connection: DirectConnection) => void,
): DirectConnection {
  const isSecure = origin.protocol === 'https:';
  const scratch = Buffer.allocUnsafeSlow(maxHeadBytes);
  let state: State = 'connecting';
  let have = 0;
  let asking: Asking | undefined;
  let body: DirectBody | undefined;
  let keepsAlive = true;
  let interims = 0;

  const room = (): Buffer => {
    if (state === 'body' && body) {
      return body.room();
    }
    return state === 'head' && have > 0 ? scratch.subarray(have) : scratch;
  };
  const takeHead = (count: number): boolean => {
    have += count;
    const end = scratch.subarray(0, have).indexOf('\r\n\r\n');
    if (end < 0 && have < maxHeadBytes) {
      return true;
    }
    if (end >= 0 && interims < maxInterims && isInterim(scratch.toString('latin1', 0, end))) {
      interims++;
      scratch.copyWithin(0, end + 4, have);
      have -= end + 4;
      return takeHead(0);
    }
    const waiting = asking;
    asking = undefined;
    const head = end < 0 ? undefined : readAnswerHead(scratch.toString('latin1', 0, end));
    if (!head) {
      waiting?.resolve(undefined);
      socket.destroy();
      return false;
    }
    const early = scratch.subarray(end + 4, Math.min(have, end + 4 + head.length));
    // More than the answer was not asked for: who is out of step is asked nothing more.
    keepsAlive = head.keepsAlive && end + 4 + early.length === have;
    state = 'body';
    socket.setTimeout(0);
    // A paused TLS connection still passes on what it has decrypted, into the same place.
    body = new DirectBody(line, head.length, isSecure ? Buffer.from(early) : early, scratch);
    waiting?.resolve({ head, body });
    // The place of the body is named by whoever reads it.
    return false;
  };
  const line: BodyLine = {
    resume: () => {
      socket.setTimeout(settings.bodyTimeout);
      socket.resume();
    },
    pause: () => {
      socket.setTimeout(0);
    },
    done: () => {
      socket.setTimeout(0);
      if (!keepsAlive) {
        socket.destroy();
        return;
      }
      state = 'idle';
      body = undefined;
      // Reading goes on, so that the end of a connection is noticed while nobody uses it.
      socket.resume();
      onFree(connection);
    },
    destroy: () => {
      socket.destroy();
    },
  };
  const onread: OnReadOpts = {
    buffer: room,
    callback: (count, bytes) => {
      if (state === 'head') {
        return takeHead(count);
      }
      if (state === 'body' && body) {
        return body.receive(bytes.subarray(0, count) as Buffer);
      }
      // Nobody has asked: a server that says goodbye (408), or one that is out of step.
      socket.destroy();
      return false;
    },
  };
  const socket = openSocket(origin, settings, onread);
  socket.setNoDelay(true);
  socket.setTimeout(settings.connectTimeout);
  socket.once(isSecure ? 'secureConnect' : 'connect', () => {
    if (asking) {
      state = 'head';
      socket.setTimeout(settings.headersTimeout);
    }
  });
  socket.on('timeout', () => {
    socket.destroy(timeoutError(state));
  });
  let fault: Error | undefined;
  socket.on('error', (error) => {
    fault = error;
  });
  const endOf = (): Error =>
    fault ?? new ConnectionFault('UND_ERR_SOCKET', 'the other side closed the connection');
  socket.once('close', () => {
    const error = endOf();
    asking?.reject(error);
    asking = undefined;
    body?.fail(error);
    onGone(connection);
  });
  const connection: DirectConnection = {
    get isSilent() {
      return state !== 'body' && have === 0;
    },
    ask: (request) =>
      new Promise((resolve, reject) => {
        have = 0;
        interims = 0;
        if (socket.destroyed) {
          reject(endOf());
          return;
        }
        asking = { resolve, reject };
        if (state !== 'connecting') {
          state = 'head';
          socket.setTimeout(settings.headersTimeout);
        }
        socket.write(request, 'latin1');
      }),
    destroy: (error) => {
      socket.destroy(error);
    },
  };
  return connection;
}

function openSocket(origin: URL, settings: ConnectionSettings, onread: OnReadOpts): Socket {
  const host = origin.hostname.replace(/^\[(.*)\]$/, '$1');
  const isSecure = origin.protocol === 'https:';
  const port = Number(origin.port || (isSecure ? 443 : 80));
  if (!isSecure) {
    return connectPlain({ host, port, onread });
  }
  // The types don't know that TLS takes `onread` as well (Node's documentation of `tls.connect`).
  const options: ConnectionOptions & { readonly onread: OnReadOpts } = {
    host,
    port,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ALPNProtocols: ['http/1.1'],
    ...tlsOptions(settings.tls),
    onread,
  };
  return connectTls(options);
}

function timeoutError(state: State): Error {
  if (state === 'connecting') {
    return new ConnectionFault('UND_ERR_CONNECT_TIMEOUT', 'no connection in time');
  }
  return state === 'body'
    ? new ConnectionFault('UND_ERR_BODY_TIMEOUT', 'the body has stalled')
    : new ConnectionFault('UND_ERR_HEADERS_TIMEOUT', 'no answer in time');
}

/** With the codes of undici: what a failure means is then said in one place, `failure.ts`. */
class ConnectionFault extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

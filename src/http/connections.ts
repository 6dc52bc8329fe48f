import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { createCrowd, type CrowdLimits, type CrowdReason } from './crowd.ts';

/** The open connections of a server, and which of them have a request that runs. */
export interface Connections {
  /** A request has come; to be told before it is answered. */
  begin(request: IncomingMessage, response: ServerResponse): void;
  /** Closes every connection without a running request, and each other one as soon as its last request is answered. */
  drain(): void;
  /** Closes all at once. */
  cut(): void;
  readonly running: number;
  /** The plain socket below one that speaks TLS and whose handshake is not done; undefined for all others. */
  plainOf(socket: Socket): Socket | undefined;
  /** Whether an answer, or a part of it, is on its way, also one to a request whose own body is still to come. */
  isAnswered(socket: Socket): boolean;
}

// Kept on the socket itself: a look into a map for each request would cost more than all else here.
const own = Symbol('connection');

type TrackedSocket = Socket & { [own]?: Connection };

interface Connection {
  /** The plain socket, or the encrypted one as soon as its handshake is done. */
  socket: Socket;
  /** The answer to its newest request: answers go out in order, so that it is the last to end. */
  answer: ServerResponse | undefined;
  /** Answers to requests that were sent ahead, which wait for those before them. */
  readonly queued: Set<ServerResponse>;
}

/**
 * Node tells the answer that is going out of the end of its connection, and none of those that wait behind it. Node 24 tells one that is
 * destroyed, Node 20 doesn't: told twice, a request would be counted as ended twice.
 */
const tellOfEnd = (response: ServerResponse): void => {
  response.destroy();
  setImmediate(() => {
    if (!response.closed) {
      response.emit('close');
    }
  });
};

const isRunning = ({ answer }: Connection): boolean => answer !== undefined && !answer.closed;

/** How many connections there may be, and who is told of those that are closed to make room. */
export interface ConnectionOptions {
  readonly limits: CrowdLimits;
  onClose(reason: CrowdReason): void;
}

/**
 * Keeps count itself, because Node's `closeIdleConnections` knows neither a connection that has not sent a byte yet nor one
 * within its TLS handshake, and a probe that holds one open would hold up the stop.
 */
export const trackConnections = (server: Server, { limits, onClose }: ConnectionOptions): Connections => {
  const open = new Map<string, Connection>();
  const crowd = createCrowd<Connection>(limits, onClose);
  const isTls = server instanceof TlsServer;
  let draining = false;

  // A TLS socket and the plain one below it have the same other end, and only that.
  const keyOf = (socket: Socket): string => `${socket.remoteAddress}|${socket.remotePort}`;
  const add = (socket: Socket): void => {
    const key = keyOf(socket);
    const connection: Connection = { socket, answer: undefined, queued: new Set() };
    open.set(key, connection);
    (socket as TrackedSocket)[own] = connection;
    socket.once('close', () => {
      if (open.get(key) === connection) {
        open.delete(key);
      }
      crowd.leave(connection);
      connection.queued.forEach(tellOfEnd);
    });
    crowd.enter(connection, isTls);
  };
  server.on('connection', add);
  // Takes the place of the plain socket, with which it closes.
  server.on('secureConnection', (socket: TrackedSocket) => {
    const connection = open.get(keyOf(socket));
    if (connection) {
      connection.socket = socket;
      socket[own] = connection;
      crowd.shook(connection);
    }
  });

  const closeAfter = (connection: Connection): void => {
    connection.answer?.once('close', () => {
      if (!isRunning(connection)) {
        connection.socket.destroySoon();
      }
    });
  };
  return {
    begin: (request, response) => {
      const connection = (request.socket as TrackedSocket)[own];
      if (connection) {
        connection.answer = response;
        if (response.socket === null) {
          connection.queued.add(response);
          response.once('socket', () => connection.queued.delete(response));
        }
        if (draining) {
          response.setHeader('Connection', 'close');
          closeAfter(connection);
        }
      }
    },
    drain: () => {
      draining = true;
      for (const connection of open.values()) {
        if (isRunning(connection)) {
          closeAfter(connection);
        } else {
          connection.socket.destroy();
        }
      }
    },
    cut: () => {
      for (const { socket } of open.values()) {
        socket.destroy();
      }
    },
    get running() {
      return [...open.values()].filter(isRunning).length;
    },
    plainOf: (socket) => {
      const known = open.get(keyOf(socket))?.socket;
      return known === socket ? undefined : known;
    },
    isAnswered: (socket) => {
      const connection = (socket as TrackedSocket)[own];
      return (
        connection?.answer !== undefined &&
        (isRunning(connection) || (connection.answer.headersSent && !connection.answer.req.complete))
      );
    },
  };
};

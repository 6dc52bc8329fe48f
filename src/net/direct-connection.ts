import type { Socket } from 'node:net';
import type { AnswerHead } from './answer-head.ts';
import { DirectBody } from './direct-body.ts';
import { ConnectionFault, isSecure, openSocket } from './direct-socket.ts';
import { HeadReader } from './head-reader.ts';
import type { TlsMaterial } from './tls-material.ts';

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

/** Who is told of a connection. */
export interface ConnectionOwner {
  /** A body has come whole, and another may follow. */
  onFree(connection: DirectConnection): void;
  /** Called once, at the end. */
  onGone(connection: DirectConnection): void;
}

interface Asking {
  readonly resolve: (answer: DirectAnswer | undefined) => void;
  readonly reject: (error: Error) => void;
}

type State = 'connecting' | 'idle' | 'head' | 'body';

/** One connection to one origin, for one request after the other. Connects at once. */
export class DirectConnection {
  readonly #settings: ConnectionSettings;
  readonly #owner: ConnectionOwner;
  readonly #isSecure: boolean;
  readonly #heads = new HeadReader();
  readonly #socket: Socket;
  #state: State = 'connecting';
  #asking: Asking | undefined;
  #body: DirectBody | undefined;
  #keepsAlive = true;
  #fault: Error | undefined;

  constructor(origin: URL, settings: ConnectionSettings, owner: ConnectionOwner) {
    this.#settings = settings;
    this.#owner = owner;
    this.#isSecure = isSecure(origin);
    const socket = openSocket(origin, settings.tls, {
      buffer: () => this.#room(),
      callback: (count, bytes) => this.#take(count, bytes as Buffer),
    });
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setTimeout(settings.connectTimeout);
    socket.once(this.#isSecure ? 'secureConnect' : 'connect', () => this.#expectHead());
    socket.on('timeout', () => {
      socket.destroy(timeoutError(this.#state));
    });
    socket.on('error', (error) => {
      this.#fault = error;
    });
    socket.once('close', () => this.#end());
  }

  /** Whether no byte of an answer has ever come since the last request. */
  get isSilent(): boolean {
    return this.#state !== 'body' && this.#heads.isEmpty;
  }

  /**
   * Sends a request's head, and resolves when the answer's head is there; undefined where that isn't of the ordinary form,
   * after which the connection is gone. Rejects with the errors of Node and undici.
   */
  ask(request: string): Promise<DirectAnswer | undefined> {
    return new Promise((resolve, reject) => {
      this.#heads.start();
      if (this.#socket.destroyed) {
        reject(this.#endError());
        return;
      }
      this.#asking = { resolve, reject };
      if (this.#state !== 'connecting') {
        this.#expectHead();
      }
      this.#socket.write(request, 'latin1');
    });
  }

  destroy(error?: Error): void {
    this.#socket.destroy(error);
  }

  #expectHead(): void {
    if (this.#asking) {
      this.#state = 'head';
      this.#socket.setTimeout(this.#settings.headersTimeout);
    }
  }

  /** Where the next read goes. */
  #room(): Buffer {
    if (this.#state === 'body' && this.#body) {
      return this.#body.room();
    }
    return this.#state === 'head' ? this.#heads.room() : this.#heads.place;
  }

  /** Takes what a read has brought; false where no more is wanted for now. */
  #take(count: number, bytes: Buffer): boolean {
    if (this.#state === 'head') {
      return this.#takeHead(count);
    }
    if (this.#state === 'body' && this.#body) {
      return this.#body.receive(bytes.subarray(0, count));
    }
    // Nobody has asked: a server that says goodbye (408), or one that is out of step.
    this.#socket.destroy();
    return false;
  }

  #takeHead(count: number): boolean {
    const read = this.#heads.take(count);
    if (!read) {
      return true;
    }
    const { head, early, isExact } = read;
    const waiting = this.#asking;
    this.#asking = undefined;
    if (!head) {
      waiting?.resolve(undefined);
      this.#socket.destroy();
      return false;
    }
    // More than the answer was not asked for: who is out of step is asked nothing more.
    this.#keepsAlive = head.keepsAlive && isExact;
    this.#state = 'body';
    this.#socket.setTimeout(0);
    // A paused TLS connection still passes on what it has decrypted, into the same place.
    const kept = this.#isSecure ? Buffer.from(early) : early;
    const body = new DirectBody(this.#line, head.length, kept, this.#heads.place);
    this.#body = body;
    waiting?.resolve({ head, body });
    // The place of the body is named by whoever reads it.
    return false;
  }

  /** What a body may do with the connection. */
  readonly #line = {
    resume: (): void => {
      this.#socket.setTimeout(this.#settings.bodyTimeout);
      this.#socket.resume();
    },
    pause: (): void => {
      this.#socket.setTimeout(0);
    },
    done: (): void => {
      this.#socket.setTimeout(0);
      if (!this.#keepsAlive) {
        this.#socket.destroy();
        return;
      }
      this.#state = 'idle';
      this.#body = undefined;
      // Reading goes on, so that the end of a connection is noticed while nobody uses it.
      this.#socket.resume();
      this.#owner.onFree(this);
    },
    destroy: (): void => {
      this.#socket.destroy();
    },
  };

  #endError(): Error {
    return this.#fault ?? new ConnectionFault('UND_ERR_SOCKET', 'the other side closed the connection');
  }

  #end(): void {
    const error = this.#endError();
    this.#asking?.reject(error);
    this.#asking = undefined;
    this.#body?.fail(error);
    this.#owner.onGone(this);
  }
}

function timeoutError(state: State): Error {
  if (state === 'connecting') {
    return new ConnectionFault('UND_ERR_CONNECT_TIMEOUT', 'no connection in time');
  }
  return state === 'body'
    ? new ConnectionFault('UND_ERR_BODY_TIMEOUT', 'the body has stalled')
    : new ConnectionFault('UND_ERR_HEADERS_TIMEOUT', 'no answer in time');
}

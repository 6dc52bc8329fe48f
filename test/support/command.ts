import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { ExecutionContext } from 'ava';

/** What a command left behind. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a command is run. Variables of the tests' own environment are not passed on, but for the path. */
export interface CommandOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Another place of the program than this checkout. */
  readonly program?: string;
  /** Another user and group, of this number, whom only root can be. */
  readonly user?: number;
}

const program = `${process.cwd()}/bin/fleet-depot.js`;

const start = (words: readonly string[], options: CommandOptions): ChildProcess =>
  spawn(process.execPath, [options.program ?? program, ...words], {
    cwd: options.cwd ?? process.cwd(),
    env: { PATH: process.env['PATH'], ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.user !== undefined && { uid: options.user, gid: options.user }),
  });

/** Runs the built program to its end. */
export const runCommand = async (
  words: readonly string[],
  options: CommandOptions = {},
): Promise<Finished> => {
  const child = start(words, options);
  const [stdout, stderr, [code]] = await Promise.all([
    child.stdout === null ? '' : text(child.stdout),
    child.stderr === null ? '' : text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr };
};

/** A server that was started as a command. */
export interface RunningServer {
  /** What it says of itself: `http://localhost:41234`. */
  readonly url: string;
  /** Everything it has logged until now. */
  log(): string;
  signal(name: 'SIGTERM' | 'SIGINT' | 'SIGHUP'): void;
  /** From here on nobody reads what it logs; it is `ended`, but never `closed`. */
  stopReading(): void;
  readonly closed: Promise<number | null>;
  readonly ended: Promise<number | null>;
}

/** Starts `serve` on a free port and waits until it says where, and that packages are served. Ended after the test if it still runs. */
export const startServer = async (
  t: ExecutionContext,
  words: readonly string[],
  options: CommandOptions = {},
): Promise<RunningServer> => {
  const child = start([...words, '-address', 'localhost:0'], options);
  t.teardown(() => child.kill('SIGKILL'));
  let log = '';
  const codeAt = async (event: 'close' | 'exit'): Promise<number | null> =>
    ((await once(child, event)) as [number | null])[0];
  const [closed, ended] = [codeAt('close'), codeAt('exit')];
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr?.on('data', (bytes: Buffer) => {
      log += bytes.toString();
      const said = /https?:\/\/localhost:\d+/.exec(log);
      // The port is open a little before the first index is there.
      if (said !== null && log.includes('index-ready')) {
        resolve(said[0]);
      }
    });
    void closed.then((code) => reject(new Error(`the server ended with ${code}: ${log}`)));
  });
  return {
    url,
    log: () => log,
    signal: (name) => child.kill(name),
    stopReading: () => child.stderr?.pause(),
    closed,
    ended,
  };
};

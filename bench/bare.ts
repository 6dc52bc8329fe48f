import { fork } from 'node:child_process';
import { once } from 'node:events';
import { stopChild } from './child.ts';

/** One answer of the bare server: the bytes of a file. */
export interface BareAnswer {
  readonly path: string;
  readonly file: string;
  readonly type: string;
}

/** A `node:http` server that sends ready bytes. */
export interface Bare {
  readonly url: string;
  add(answer: BareAnswer): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the bare server in a process of its own. */
export async function startBare(): Promise<Bare> {
  const child = fork(new URL('./bare-server.js', import.meta.url));
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return {
    url: `http://127.0.0.1:${port}`,
    add: async (answer) => {
      const taken = once(child, 'message');
      child.send(answer);
      await taken;
    },
    stop: () => stopChild(child),
  };
}

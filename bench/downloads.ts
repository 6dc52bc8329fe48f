import { fork } from 'node:child_process';
import { once } from 'node:events';
import { stopChild } from './child.ts';

/** Clients that download one file at the same time. */
export interface DownloadOrder {
  readonly url: string;
  readonly clients: number;
  /** All are cut after so long; they end earlier where all have the whole file. */
  readonly seconds: number;
}

/** What they got. */
export interface Downloaded {
  /** Bytes of the body that each client got. */
  readonly bytes: readonly number[];
  /** From the moment that all were connected and asked. */
  readonly seconds: number;
  /** What went wrong, in words. */
  readonly faults: readonly string[];
}

/** Downloads from a process of its own, so that counting takes nothing from who measures. */
export async function download(order: DownloadOrder): Promise<Downloaded> {
  const child = fork(new URL('./download-clients.js', import.meta.url));
  try {
    child.send(order);
    const [answer] = (await once(child, 'message')) as [Downloaded];
    return answer;
  } finally {
    await stopChild(child);
  }
}

/** 10^6 bytes a second, all clients together. */
export const rateOf = ({ bytes, seconds }: Downloaded): number =>
  bytes.reduce((sum, one) => sum + one, 0) / seconds / 1e6;

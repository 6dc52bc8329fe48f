import { once } from 'node:events';
import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';

const patience = 10_000;

/** Ends a process that the bench started, and waits until it is gone. */
export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return;
  }
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), patience);
  await gone;
  clearTimeout(force);
}

/** Resident memory of a process and of its children, in MB (10^6 bytes). Linux only. */
export async function residentMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  const own = (Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024) / 1e6;
  const below = await Promise.all(
    children
      .split(' ')
      .filter((word) => word !== '')
      .map((word) => residentMemory(Number(word)).catch(() => 0)),
  );
  return below.reduce((sum, one) => sum + one, own);
}

/** The most memory that a program without children had until it ended, in MB, as the system itself keeps it. Linux only. */
export async function mostMemory(pid: number, ended: Promise<unknown>): Promise<number> {
  let most = 0;
  const look = async (): Promise<void> => {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    most = Math.max(most, (Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024) / 1e6);
  };
  const timer = setInterval(() => void look(), 20);
  try {
    await ended;
  } finally {
    clearInterval(timer);
  }
  return most;
}

/** The most memory that `pid` had while `work` ran, in MB. */
export async function peakMemory(pid: number, work: () => Promise<unknown>): Promise<number> {
  let peak = await residentMemory(pid);
  const look = async (): Promise<void> => {
    // A process that has ended has no memory.
    peak = Math.max(peak, await residentMemory(pid).catch(() => 0));
  };
  const timer = setInterval(() => void look(), 100);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return Math.max(peak, await residentMemory(pid));
}

import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { DepotError, messageOf } from '../domain/errors.ts';
import { errnoOf } from '../domain/system-error.ts';
import type { Candidate, FromReader, JudgedPackage, JudgeRules, ToReader } from './task.ts';

/** A process that judges packages in the order in which it is handed them. */
export interface ReaderProcess {
  /** Rejects with a `ReaderFault`, and with it all that are handed but not judged yet: the process is of no use any more. */
  judge(candidate: Candidate): Promise<JudgedPackage>;
  /** Ends the process and waits until it has gone; what it was still to judge is rejected. */
  end(): Promise<void>;
}

/** How a reader is started. */
export interface ReaderOptions {
  readonly rules: JudgeRules;
  /** Megabytes of JavaScript heap. */
  readonly heapMegabytes: number;
  /** Milliseconds that one package may take. */
  readonly timeout: number;
  /** True to let everything else on the machine go first. */
  readonly isGentle: boolean;
}

/** A reader that has died, or that a package was too much for. The message is a clause on the package. */
export class ReaderFault extends Error {}

interface Waiting {
  resolve(judged: JudgedPackage): void;
  reject(fault: Error): void;
}

const lowPriority = 10;
const patience = 2000;
/** Milliseconds until a new process is ready; where the system refuses its threads, Node hangs before any code of ours. */
const startPatience = 20_000;

/** Processes, not threads: all memory of one goes back to the system with its end, and its priority can be low. */
export function startReader({ rules, heapMegabytes, timeout, isGentle }: ReaderOptions): ReaderProcess {
  let child: ChildProcess;
  try {
    child = forkReader(heapMegabytes);
  } catch (error) {
    return readerThatNeverWas(notStarted(error));
  }
  const waiting: Waiting[] = [];
  let timer: NodeJS.Timeout | undefined;
  let fault: Error | undefined;
  let isLoaded = false;
  const fail = (reason: Error): void => {
    fault ??= reason;
    clearTimeout(timer);
    for (const { reject } of waiting.splice(0)) {
      reject(fault);
    }
  };
  const send = (message: ToReader): void => {
    // One that could not be started says so by an event that is still to come.
    if (child.pid !== undefined) {
      child.send(
        message,
        // One that isn't loaded yet is about to say by its end what was wrong.
        (error) =>
          error && isLoaded && fail(new ReaderFault(`its reader cannot be reached: ${error.message}`)),
      );
    }
  };
  /** The time of the first in the queue begins now. */
  const watch = (): void => {
    clearTimeout(timer);
    if (!isLoaded) {
      timer = setTimeout(() => {
        fail(notReady(`it was not ready after ${startPatience / 1000} s`));
        child.kill('SIGKILL');
      }, startPatience);
    } else if (waiting.length > 0) {
      timer = setTimeout(() => {
        fail(new ReaderFault('it takes too long to read'));
        child.kill('SIGKILL');
      }, timeout);
    }
  };
  child.on('message', (message: FromReader) => {
    if ('isLoaded' in message) {
      isLoaded = true;
      watch();
      return;
    }
    if ('missing' in message) {
      fail(new DepotError('PROGRAM_NOT_WHOLE', { reason: message.missing }));
      return;
    }
    const first = waiting.shift();
    watch();
    if ('judged' in message) {
      first?.resolve(message.judged);
    } else {
      first?.reject(new ReaderFault(message.fault));
    }
  });
  child.on('error', (error) => fail(notStarted(error)));
  child.on('exit', (code, signal) =>
    fail(isLoaded ? new ReaderFault(causeOf(code, signal)) : endedUnloaded(code, signal)),
  );
  if (isGentle) {
    yieldProcessor(child);
  }
  send({ rules });
  return {
    judge: (candidate) =>
      new Promise((resolve, reject) => {
        if (fault) {
          reject(fault);
          return;
        }
        waiting.push({ resolve, reject });
        if (waiting.length === 1) {
          watch();
        }
        send({ candidate });
      }),
    end: async () => {
      fail(new ReaderFault('its reader was ended'));
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) {
        return;
      }
      const gone = once(child, 'exit');
      if (child.connected) {
        child.disconnect();
      }
      const force = setTimeout(() => child.kill('SIGKILL'), patience);
      await gone;
      clearTimeout(force);
    },
  };
}

const forkReader = (heapMegabytes: number): ChildProcess =>
  fork(new URL('./reader.js', import.meta.url), {
    execArgv: [...inheritedFlags(), `--max-old-space-size=${heapMegabytes}`, '--max-semi-space-size=32'],
    serialization: 'advanced',
    // What V8 prints when memory ends helps nobody.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });

const readerThatNeverWas = (fault: Error): ReaderProcess => ({
  judge: () => Promise.reject(fault),
  end: () => Promise.resolve(),
});

const tooManyProcesses =
  'the system allows no further process or thread (the pids limit of a container, `TasksMax` of systemd, `ulimit -u`)';

/** No process could be started: that is no fault of a package. */
const notStarted = (error: unknown): DepotError => {
  const reason = errnoOf(error) === 'EAGAIN' ? tooManyProcesses : `${process.execPath}: ${messageOf(error)}`;
  return new DepotError('READER_NOT_STARTED', { reason }, error);
};

/** Neither is it where it couldn't start its threads, or where its code is gone, as under a server whose program was replaced. */
const endedUnloaded = (code: number | null, signal: NodeJS.Signals | null): DepotError =>
  signal === null
    ? new DepotError('PROGRAM_NOT_WHOLE', {
        reason: `a reader of packages ended with code ${code} before its code was loaded`,
      })
    : notReady(`it ended with ${signal} before it was ready`);

const notReady = (what: string): DepotError =>
  new DepotError('READER_NOT_STARTED', {
    reason: `${what}; most likely there is no memory for it, or ${tooManyProcesses}`,
  });

/** A debugger's port can't be shared; all other flags of the program hold for its readers too. */
const inheritedFlags = (): string[] => process.execArgv.filter((flag) => !flag.startsWith('--inspect'));

function yieldProcessor({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) {
      setPriority(pid, lowPriority);
    }
  } catch {
    // Some sandboxes don't let it be told: then it works like any other.
  }
}

/** V8 ends a process that needs more heap than it may have by SIGABRT; the kernel ends one for its memory by SIGKILL. */
const causeOf = (code: number | null, signal: NodeJS.Signals | null): string =>
  signal === 'SIGABRT' || signal === 'SIGKILL'
    ? 'it needs more memory than a reader may have'
    : `its reader ended with ${signal ?? `code ${code}`}`;

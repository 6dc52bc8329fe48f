import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import type { DepotError } from '../domain/errors.ts';
import { isGone, systemWords } from '../domain/system-error.ts';
import type { Log } from '../telemetry/log.ts';

/** A file or folder that could not be read for a client. Plain data: other processes tell of theirs. */
export interface ReadFault {
  readonly path: string;
  /** The byte that could not be read; left out where it could not be opened. */
  readonly position?: number;
  /** A clause with the file and the cause. */
  readonly reason: string;
}

/** What of a FILE_UNREADABLE another process can be told. */
export const readFaultOf = ({ message, details: { path, position } }: DepotError): ReadFault => ({
  path: String(path ?? ''),
  ...(typeof position === 'number' && { position }),
  reason: message,
});

/** Files that the index has and the disk doesn't give, until it gives them again. */
export interface ReadFaults {
  /** Each file is told in the log once, and its end with that of the others. */
  raise(fault: ReadFault): void;
  /** Why files can't be read now; undefined where all can. */
  current(): string | undefined;
  /** How many they are. */
  readonly count: number;
  close(): void;
}

/** What these faults need. */
export interface ReadFaultsOptions {
  readonly log: Log;
  /** Called when a file can be read again or is gone for good. */
  onEnd(): void;
  /** Milliseconds between two tries. */
  readonly interval?: number;
}

/** So many are kept and tried: a disk that is away has them all. */
const most = 1000;
/** So many are named in the log. */
const mostNamed = 10;

/** Tries each file again, at the very place where it failed, for as long as there is one: health is true without anybody who asks. */
export const createReadFaults = ({ log, onEnd, interval = 5000 }: ReadFaultsOptions): ReadFaults => {
  const faults = new Map<string, ReadFault>();
  let named = 0;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  const name = ({ path, reason }: ReadFault): void => {
    named += 1;
    if (named <= mostNamed) {
      log.error(
        { 'event.action': 'file-unreadable', 'file.path': path },
        `${path}: ${reason}; whoever asks for it is told to come again`,
      );
    } else if (named === mostNamed + 1) {
      log.error(
        { 'event.action': 'file-unreadable', 'file.path': path },
        `more than ${mostNamed} files can't be read: ${reason}; the others are in the access log`,
      );
    }
  };
  const tryAgain = async (): Promise<void> => {
    const before = faults.size;
    for (const fault of faults.values()) {
      if (!(await isStill(fault))) {
        faults.delete(fault.path);
      }
    }
    if (faults.size === 0) {
      named = 0;
      log.info(
        { 'event.action': 'file-readable' },
        'the files that could not be read can be read again, or are gone',
      );
    }
    if (faults.size < before && !isClosed) {
      onEnd();
    }
    timer = undefined;
    schedule();
  };
  const schedule = (): void => {
    if (timer === undefined && faults.size > 0 && !isClosed) {
      timer = setTimeout(() => void tryAgain(), interval).unref();
    }
  };
  return {
    raise: (fault) => {
      if (faults.has(fault.path) || faults.size >= most || isClosed) {
        return;
      }
      faults.set(fault.path, fault);
      name(fault);
      schedule();
    },
    current: () => {
      const [first] = faults.values();
      const more = faults.size > 1 ? `, and ${faults.size - 1} more` : '';
      return first && `${first.path}: ${first.reason}${more}`;
    },
    get count() {
      return faults.size;
    },
    close: () => {
      isClosed = true;
      clearTimeout(timer);
    },
  };
};

/** What is gone is no fault any more: the index sees that by itself. */
const isStill = async ({ path, position = 0 }: ReadFault): Promise<boolean> => {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if ((await handle.stat()).isFile()) {
        await handle.read(Buffer.alloc(1), 0, 1, position);
      } else {
        await readdir(path);
      }
      return false;
    } finally {
      await handle.close();
    }
  } catch (error) {
    return !isGone(error) && systemWords(error) !== undefined;
  }
};

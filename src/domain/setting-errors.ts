import type { ErrorKind } from './error-kind.ts';

/** Settings and the command line. */
export const settingErrors = {
  SETTING_INVALID: {
    status: 500,
    message: '{flag} ({variable}): {reason}',
    advice: 'docs/configuration.md lists every setting with its form and default.',
  },
  INDEX_UNWRITABLE: {
    status: 500,
    message: '{path}: {reason}',
    advice: 'Name a folder that this user may write with -cache-dir or EPR_CACHE_DIR.',
  },
  WORKERS_NEED_FOLDER: {
    status: 500,
    message:
      '-workers (EPR_WORKERS): neither {folder} nor a temporary folder can be written, and workers share the index by a file',
    advice: 'Name a folder that can be written with -cache-dir (EPR_CACHE_DIR), or serve with one process.',
  },
  PROGRAM_NOT_WHOLE: {
    status: 500,
    message: 'the program is not whole: {reason}',
    advice:
      'Files of it were removed or replaced while it ran, or not all were installed. Install it again, in a checkout by `npm ci && npm run build`, and then start it again.',
  },
  FORMAT_NEWER: {
    status: 500,
    message: '{file} was made by a newer version of Fleet Depot: {reason}',
    advice:
      'Use that version or a later one here, too; docs/operations.md has the order to upgrade in, and the way back. Nothing was changed. Where nobody has a newer version, the file was altered.',
  },
  USAGE: {
    status: 500,
    message: '{reason}',
    advice: '`fleet-depot --help` lists the verbs, `fleet-depot VERB --help` their flags.',
  },
  VALUE_INVALID: {
    status: 500,
    message: '{reason}',
    advice: 'docs/configuration.md lists every setting with its form and default.',
  },
  LISTEN_FAILED: {
    status: 500,
    message: '{flag} ({variable}): cannot listen on {address}: {reason}',
    advice:
      'Stop the other program or choose another address; a port below 1024 needs root or CAP_NET_BIND_SERVICE.',
  },
} as const satisfies Record<string, ErrorKind>;

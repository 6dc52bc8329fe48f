import type { ErrorKind } from './error-kind.ts';

/** What is wrong with packages and where they come from. */
export const packageErrors = {
  PACKAGE_INVALID: {
    status: 500,
    message: '{label}: {reason}',
    advice: 'Repair or replace the package; `fleet-depot inspect PATH` shows every reason.',
  },
  PACKAGES_REFUSED: {
    status: 500,
    message: '{refused} and -strict is on; the first: {first}',
    advice: 'Repair or remove them (`fleet-depot inspect PATH` lists all), or start without -strict.',
  },
  SOURCE_LOST: {
    status: 500,
    message: '{path}: {reason}; what was served before is kept',
    advice: 'Bring the package path back; the next look takes it up.',
  },
  SOURCE_UNREADABLE: {
    status: 500,
    message: '{path}: {reason}; there is nothing else to serve',
    advice: 'Let the user that the server runs as read the package path; the next look takes it up.',
  },
  READER_NOT_STARTED: {
    status: 500,
    message: 'no process that reads packages can be started: {reason}',
    advice:
      'Allow more processes and threads, a reader takes about twelve: the pids limit of the container (`docker run --pids-limit`, `podPidsLimit` of the kubelet), `TasksMax` of the systemd unit, or `ulimit -u`; and memory. What is served stays, and the next look tries again.',
  },
  ZIP_INVALID: {
    status: 500,
    message: '{reason}',
    advice: 'Fetch the archive again; a good one passes `unzip -t`.',
  },
  LIMIT_EXCEEDED: {
    status: 500,
    message: '{what} is {value}, the limit is {limit}',
    advice: 'Raise the setting named in docs/configuration.md if the package is trusted.',
  },
  YAML_INVALID: { status: 500, message: '{reason}', advice: 'Correct the YAML at the line that is named.' },
  FILE_UNREADABLE: {
    status: 500,
    message: '{reason}',
    advice: 'Give the account that runs Fleet Depot read permission, or put the file back.',
  },
  FOLDER_INVALID: {
    status: 500,
    message: '{reason}',
    advice: 'Repair the package folder; `fleet-depot inspect PATH` shows every reason.',
  },
} as const satisfies Record<string, ErrorKind>;

import type { ErrorKind } from './error-kind.ts';

/** What agents download, and who may. */
export const artifactErrors = {
  ARTIFACT_UNKNOWN: {
    status: 404,
    message: 'artifact not found',
    advice:
      'GET /downloads/ lists what is served; `fleet-depot artifacts check` says what is in quarantine and why.',
  },
  ARTIFACT_UNCHECKED: {
    status: 503,
    message: 'the artifact is being checked',
    advice: 'Wait: its digest is computed once. /health says how many files are still unchecked.',
  },
  ARTIFACTS_LOST: {
    status: 503,
    message: 'the folder of the artifacts cannot be read',
    advice:
      'Bring its disk back, or correct the path; the log and `fleet-depot artifacts check` name the folder.',
  },
  CREDENTIALS_WANTED: {
    status: 401,
    message: 'credentials are needed',
    advice: 'Give the agent binary source a user or an API key of `fleet-depot artifacts auth add`.',
  },
  CREDENTIALS_LIMITED: {
    status: 429,
    message: 'too many wrong credentials, wait a while',
    advice: 'Correct the credentials of the agent binary source; good ones are taken again within a minute.',
  },
  CREDENTIALS_INVALID: {
    status: 500,
    message: '{path}: {reason}',
    advice:
      'Make the file with `fleet-depot artifacts auth add`; give the account that serves read permission.',
  },
} as const satisfies Record<string, ErrorKind>;

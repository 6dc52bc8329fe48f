import type { ErrorKind } from './error-kind.ts';

/** What the registry API answers; the texts of the 4xx rows are fixed by its contract. */
export const registryErrors = {
  ROUTE_UNKNOWN: {
    status: 404,
    message: '404 page not found',
    advice: 'Ask one of the paths in openapi.yaml.',
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    message: 'method not allowed',
    advice: 'The registry is read only: use GET or HEAD.',
  },
  PACKAGE_UNKNOWN: {
    status: 404,
    message: 'package revision not found',
    advice:
      'Ask /search?package=NAME&all=true&prerelease=true for the versions that are here; `fleet-depot inspect` lists those in quarantine.',
  },
  ARCHIVE_UNKNOWN: {
    status: 404,
    message: 'artifact not found',
    advice: 'Take the `download` address from /package/NAME/VERSION/.',
  },
  SIGNATURE_UNKNOWN: {
    status: 404,
    message: 'signature file not found',
    advice: 'Put NAME-VERSION.zip.sig beside the archive.',
  },
  RESOURCE_UNKNOWN: {
    status: 404,
    message: 'resource not found',
    advice: 'The `assets` of /package/NAME/VERSION/ list every file of a package.',
  },
  VERSION_INVALID: {
    status: 400,
    message: 'invalid package version',
    advice: 'A package version is strict semver: MAJOR.MINOR.PATCH.',
  },
  QUERY_INVALID: {
    status: 400,
    message: '{text}',
    advice: 'Correct the query parameter that the text names.',
  },
  REQUEST_INVALID: {
    status: 400,
    message: 'bad request',
    advice: 'The address has a broken percent escape, or the request not exactly one `Host`.',
  },
  ARCHIVE_CHANGED: {
    status: 503,
    message: 'the archive is being replaced, ask again',
    advice: 'Wait until the copy is done and indexed; Kibana asks again by itself.',
  },
  PACKAGE_UNREADABLE: {
    status: 503,
    message: 'the package cannot be read now, ask again later',
    advice:
      'Bring the disk of its package path back, or let the user that the server runs as read it. The log names the file and the cause, /health says `degraded` meanwhile.',
  },
  NOT_READY: {
    status: 503,
    message: 'the index is not ready: {reason}',
    advice: 'Wait for the first index; /health says how far it is.',
  },
  INTERNAL: {
    status: 500,
    message: 'internal server error',
    advice: 'The log line with the same request id has the cause.',
  },
} as const satisfies Record<string, ErrorKind>;

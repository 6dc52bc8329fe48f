/** What one kind of error means: for HTTP, for an exit code and for the person who reads it. */
export interface ErrorKind {
  /** HTTP status where the error ends a request. */
  readonly status: number;
  /** Text with `{placeholders}` that are filled from the error's details. */
  readonly message: string;
  /** What the operator can do about it; shown by the command line and in docs/errors.md. */
  readonly advice: string;
}

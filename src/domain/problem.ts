/** Why a package is not served: the file it lies in, and one clause that names the field. */
export interface Problem {
  readonly file: string;
  readonly reason: string;
  /**
   * `broken` can't be served at all; `invalid` breaks a rule that `-disable-package-validation` turns off, as in the
   * reference.
   */
  readonly kind: 'broken' | 'invalid';
}

/** Collects what is wrong with one package. Nothing is thrown, so that `inspect` shows every reason at once. */
export interface ProblemList {
  broken(file: string, reason: string): void;
  invalid(file: string, reason: string): void;
  readonly all: readonly Problem[];
}

export function createProblemList(): ProblemList {
  const all: Problem[] = [];
  return {
    broken: (file, reason) => void all.push({ file, reason, kind: 'broken' }),
    invalid: (file, reason) => void all.push({ file, reason, kind: 'invalid' }),
    all,
  };
}

/** One line: "data_stream/access/manifest.yml: streams[0] has neither input nor package". */
export function describeProblem(problem: Problem): string {
  return problem.file === '' ? problem.reason : `${problem.file}: ${problem.reason}`;
}

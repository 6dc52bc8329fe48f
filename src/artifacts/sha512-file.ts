/** What a `.sha512` says, or why agents would refuse it. */
export type Sha512File =
  | { readonly digest: string; readonly problem?: never }
  | { readonly digest?: never; readonly problem: string };

/** Longest one that is read: a line has about 200 bytes. */
export const maxSha512Bytes = 4096;

const problem = (text: string): Sha512File => ({ problem: text });

/**
 * Reads the digest of `file` as agents do: each line has exactly two fields, lower-case hex and the bare name of the file
 * (a `*` before it is allowed), and the last line for the name counts. Stricter than they are in one thing: lines end with
 * LF, because a CR is a part of the name for some of their versions.
 */
export const parseSha512File = (bytes: Uint8Array, file: string): Sha512File => {
  const text = Buffer.from(bytes).toString('latin1');
  if (bytes.length > maxSha512Bytes) {
    return problem(`has ${bytes.length} bytes, which is no digest`);
  }
  if (text.trim() === '') {
    return problem('is empty');
  }
  if (/^\s*</.test(text)) {
    return problem('is a web page, not a digest');
  }
  if (text.startsWith('\u00ef\u00bb\u00bf')) {
    return problem('begins with a byte order mark, which agents take for a part of the digest');
  }
  if (text.includes('\r')) {
    return problem('has Windows line ends (CRLF); agents want LF');
  }
  let digest: string | undefined;
  for (const line of text.replace(/\n+$/, '').split('\n')) {
    const fields = line.split(/[ \t]+/).filter((field) => field !== '');
    const [hex = '', name] = fields;
    const clause = lineProblem(fields, file);
    if (clause !== undefined) {
      return problem(clause);
    }
    if (name?.replace(/^\*/, '') === file) {
      digest = hex;
    }
  }
  return digest === undefined ? problem(`does not name ${file}`) : { digest };
};

const lineProblem = (fields: readonly string[], file: string): string | undefined => {
  const [hex = '', name = ''] = fields;
  if (fields.length === 1) {
    return /^[0-9a-fA-F]{128}$/.test(hex)
      ? 'has only the digest; agents want the file name behind it'
      : 'has a line with one field; agents want two, digest and file name';
  }
  if (fields.length !== 2) {
    return `has a line with ${fields.length} fields; agents want exactly two, digest and file name`;
  }
  if (/^[0-9a-fA-F]{128}$/.test(hex) && /[A-F]/.test(hex)) {
    return 'has its digest in upper case; agents compare with lower case';
  }
  if (!/^[0-9a-f]{128}$/.test(hex)) {
    return `has no SHA-512 digest of 128 hex digits in its first field (${hex.length} characters)`;
  }
  const bare = name.replace(/^\*/, '');
  if (bare !== file && bare.split(/[/\\]/).at(-1) === file) {
    return `names ${JSON.stringify(bare)}; agents want the bare file name, without folders`;
  }
  return undefined;
};

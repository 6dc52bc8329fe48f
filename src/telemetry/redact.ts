const userInfo = /(\w+:\/\/)[^/\s"'@]*:[^/\s"'@]*@/g;
const secretField =
  /("[\w.-]*(?:authorization|passw(?:or)?d|passphrase|secret|cookie|api[-_]?key|access[-_]?token)"\s*:\s*)(?:"(?:[^"\\]|\\.)*"|\[[^\]]*\])/gi;
const credentials = /\b((?:Basic|Bearer|ApiKey)\s+)[A-Za-z0-9+/=._~-]{6,}/g;

// Whatever one of the three takes out has one of these words in it; most lines have none and are spared the search.
const suspect =
  /:\/\/|authorization|passw|passphrase|secret|cookie|api[-_]?key|access[-_]?token|basic\s|bearer\s/i;

/** Whether the text may hold a secret. */
export const isSuspect = (text: string): boolean => suspect.test(text);

/**
 * A line of log without secrets: passwords in URLs, fields that are named like secrets, and what stands behind the name of an
 * authorization scheme. Works on the whole JSON line, so that nothing that is nested, quoted or part of a message slips through.
 */
export const redact = (line: string): string =>
  isSuspect(line)
    ? line
        .replace(userInfo, '$1[redacted]@')
        .replace(secretField, '$1"[redacted]"')
        .replace(credentials, '$1[redacted]')
    : line;

/** What `token` allows (RFC 9110, 5.6.2), and `[`, `]` and `:` besides: some proxies leave out the quotes that these need. */
const bareValue = /^[\w!#$%&'*+.^`|~:[\]-]+$/;
const quotedValue = /^"((?:[^"\\]|\\.)*)"$/;

/**
 * The `for` of each hop of a `Forwarded` header (RFC 7239), the first proxy's first: an address, perhaps with a port or in brackets, or
 * a name that hides one (`unknown`, `_gateway`). Undefined for a hop that doesn't say it, or says it twice, or can't be read.
 *
 * It is read from its end, which the nearest proxy has written: a quote that a client has opened and never closed makes what stands
 * to the left of it unreadable, and not what comes after it.
 */
export const forwardedFor = (header: string): readonly (string | undefined)[] =>
  splitFromEnd(header, ',')
    .filter((element) => element.trim() !== '')
    .map(forOf);

const forOf = (element: string): string | undefined => {
  const found = splitFromEnd(element, ';')
    .filter((pair) => /^\s*for\s*=/i.test(pair))
    .map((pair) => pair.slice(pair.indexOf('=') + 1).trim());
  const [value = '', ...more] = found;
  if (more.length > 0) {
    return undefined;
  }
  const quoted = quotedValue.exec(value)?.[1];
  return quoted === undefined ? bareValue.exec(value)?.[0] : quoted.replaceAll(/\\(.)/gs, '$1');
};

/** Splits at what stands outside of quoted texts, which are found from the end. */
const splitFromEnd = (text: string, separator: ',' | ';'): string[] => {
  const parts: string[] = [];
  let end = text.length;
  let isQuoted = false;
  for (let at = text.length - 1; at >= 0; at -= 1) {
    const letter = text[at];
    if (letter === '"' && !(isQuoted && isEscaped(text, at))) {
      isQuoted = !isQuoted;
    } else if (letter === separator && !isQuoted) {
      parts.push(text.slice(at + 1, end));
      end = at;
    }
  }
  parts.push(text.slice(0, end));
  return parts.toReversed();
};

/** Whether an odd number of backslashes stands before. */
const isEscaped = (text: string, at: number): boolean => {
  let count = 0;
  while (text[at - 1 - count] === '\\') {
    count += 1;
  }
  return count % 2 === 1;
};

/**
 * The text of a file that people have saved, without its byte order mark: UTF-8, or UTF-16 where such a mark says so, as
 * Windows PowerShell writes what a command prints. Bytes that are no text become U+FFFD.
 */
export function decodeSaved(bytes: Uint8Array): string {
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? 'utf-16le'
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? 'utf-16be'
        : 'utf-8';
  return new TextDecoder(encoding).decode(bytes);
}

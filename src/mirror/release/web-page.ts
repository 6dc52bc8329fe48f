/** Whether bytes are a page for people: a portal's login or an error, answered with 200. */
export const isWebPage = (bytes: Uint8Array): boolean =>
  /^\s*<(?:!doctype|html|\?xml|head|body|error)/i.test(
    Buffer.from(bytes.subarray(0, 256)).toString('latin1'),
  );

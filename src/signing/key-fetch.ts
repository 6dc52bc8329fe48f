/** Fetches at most `limit` bytes. Throws DepotError where that can't be done. */
export type FetchBytes = (url: string, limit: number) => Promise<Uint8Array>;

/** Where a key comes from, as it may be shown: an address without user and password, a file as it is. */
export const shownSource = (from: string): string => {
  if (!/^https?:/i.test(from) || !URL.canParse(from)) {
    return from.replace(/^(https?:\/\/)[^/@]*@/i, '$1');
  }
  const url = new URL(from);
  [url.username, url.password] = ['', ''];
  return url.href;
};

const form = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z-[0-9a-f]{8}$/;

/** Whether a text has the form of a snapshot id: `20261121T215948123Z-1a2b3c4d`. Ids sort by time as plain text. */
export const isSnapshotId = (text: string): boolean => form.test(text);

/**
 * The id of a new snapshot: the time in UTC and the first digits of its content's digest. Where the clock was set back
 * behind the newest id, the new one is a millisecond after that, so that the order stays that of making.
 */
export const nextSnapshotId = (now: Date, newest: string | undefined, digest: string): string => {
  const before = newest === undefined ? Number.NEGATIVE_INFINITY : timeOf(newest);
  const time = new Date(Math.max(now.getTime(), before + 1));
  return `${time.toISOString().replaceAll(/[-:.]/g, '')}-${digest.slice(0, 8)}`;
};

const timeOf = (id: string): number => {
  const parts = form.exec(id);
  if (parts === null) {
    return Number.NEGATIVE_INFINITY;
  }
  const [, year, month, day, hour, minute, second, milli] = parts.map(Number);
  return Date.UTC(year ?? 0, (month ?? 1) - 1, day ?? 1, hour ?? 0, minute ?? 0, second ?? 0, milli ?? 0);
};

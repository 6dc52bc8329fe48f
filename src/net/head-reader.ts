import { isInterim, readAnswerHead, type AnswerHead } from './answer-head.ts';

/** What undici takes for a head, too. */
const maxHeadBytes = 16 * 1024;

/** Answers before the answer: what sends more doesn't come to it. */
const maxInterims = 16;

/** A head that is there whole. */
export interface ReadHead {
  /** Undefined where it isn't of the ordinary form. */
  readonly head: AnswerHead | undefined;
  /** What came of the body with it, in the place of the head. */
  readonly early: Buffer;
  /** Whether nothing came that belongs to no answer. */
  readonly isExact: boolean;
}

/** Gathers the head of one answer after the other, in one place. */
export class HeadReader {
  /** Where reads go; it serves for the next head. */
  readonly place = Buffer.allocUnsafeSlow(maxHeadBytes);
  #have = 0;
  #interims = 0;

  /** Whether nothing has come since it was started. */
  get isEmpty(): boolean {
    return this.#have === 0;
  }

  /** Begins with the next head. */
  start(): void {
    this.#have = 0;
    this.#interims = 0;
  }

  /** Where the next read goes. */
  room(): Buffer {
    return this.#have > 0 ? this.place.subarray(this.#have) : this.place;
  }

  /** Takes what a read has brought to the room; undefined while the head isn't whole. */
  take(count: number): ReadHead | undefined {
    this.#have += count;
    const nothing = this.place.subarray(0, 0);
    for (;;) {
      const end = this.place.subarray(0, this.#have).indexOf('\r\n\r\n');
      if (end < 0) {
        return this.#have < maxHeadBytes ? undefined : { head: undefined, early: nothing, isExact: false };
      }
      const text = this.place.toString('latin1', 0, end);
      const begin = end + 4;
      if (this.#interims < maxInterims && isInterim(text)) {
        this.#interims++;
        this.place.copyWithin(0, begin, this.#have);
        this.#have -= begin;
        continue;
      }
      const head = readAnswerHead(text);
      const early = this.place.subarray(begin, Math.min(this.#have, begin + (head?.length ?? 0)));
      return { head, early, isExact: begin + early.length === this.#have };
    }
  }
}

/** A number with what it counts, for people: `1 package`, `2 packages`. `many` is for words whose plural is no mere `s`. */
export const countOf = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;

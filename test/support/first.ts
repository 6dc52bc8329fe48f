/** The first of a list that must have one. */
export const first = <T>(items: readonly T[]): T => {
  const [item] = items;
  if (item === undefined) {
    throw new Error('an empty list, where one was expected to have something');
  }
  return item;
};

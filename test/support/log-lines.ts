/** Lines of a log as a test wants them: short and long ones, one longer than what is held back, and signs of several bytes. */
export const logLines = (count: number): string[] =>
  Array.from({ length: count }, (_, at) => {
    const text = at === Math.floor(count / 2) ? 'long '.repeat(20_000) : 'aé€😀'.repeat(at % 40);
    return `${at} ${text}\n`;
  });

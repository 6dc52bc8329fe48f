/**
 * A signal that the first Ctrl-C or SIGTERM aborts, so that a verb can end in order. The second one ends the process at once,
 * with the exit code that a shell gives to a program that the signal ended.
 */
export const abortOnSignals = (process: NodeJS.Process): AbortSignal => {
  const controller = new AbortController();
  const numbers = { SIGINT: 2, SIGTERM: 15 } as const;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) {
        process.exit(128 + numbers[name]);
      }
      controller.abort();
    });
  }
  return controller.signal;
};

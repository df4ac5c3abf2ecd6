/**
 * Resolves when the process is asked to stop (Ctrl-C or SIGTERM) and everything has stopped. Asked a second time, it
 * ends at once.
 *
 * @param stop lets what runs finish
 */
export async function untilStopped(stop: () => Promise<void>): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        for (const again of ['SIGINT', 'SIGTERM'] as const) process.once(again, () => process.exit(130));
        resolve();
      });
    }
  });
  await stop();
}

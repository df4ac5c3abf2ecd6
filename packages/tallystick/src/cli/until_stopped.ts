/** What asks a process to stop: Ctrl-C, whoever runs it, and the end of its terminal. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
type StopSignal = (typeof SIGNALS)[number];

/**
 * Resolves when the process is asked to stop and everything has stopped. Asked a second time, it ends at once.
 *
 * @param stop lets what runs finish
 * @param signals what it stops on
 */
export async function untilStopped(
  stop: (signal: StopSignal) => Promise<void>,
  signals: readonly StopSignal[] = SIGNALS,
): Promise<void> {
  const signal = await new Promise<StopSignal>((resolve) => {
    for (const each of signals) process.once(each, resolve);
  });
  for (const again of signals) process.removeAllListeners(again).once(again, () => process.exit(130));
  await stop(signal);
}

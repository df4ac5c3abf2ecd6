/** Ctrl-C, the supervisor's signal, and the end of the terminal. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
type StopSignal = (typeof SIGNALS)[number];

/**
 * Waits for a stop signal, calls `stop` and resolves when that is done. A second signal ends the process at once.
 *
 * @param stop finishes open requests and closes the servers
 * @param signals the signals to stop on
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

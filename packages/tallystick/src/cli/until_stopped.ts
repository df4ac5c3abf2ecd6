/** Ctrl-C, and the signal of a supervisor. */
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
type StopSignal = (typeof SIGNALS)[number];

/**
 * Waits for a stop signal, calls `stop` and resolves when that is done. A second signal ends the process at once.
 *
 * @param stop finishes open requests and closes the servers
 * @param endOfTerminal stops like SIGTERM when it resolves. Default: never
 */
export async function untilStopped(
  stop: (signal: StopSignal) => Promise<void>,
  endOfTerminal: Promise<void> = new Promise(() => {}),
): Promise<void> {
  const signal = await new Promise<StopSignal>((resolve) => {
    for (const each of SIGNALS) process.once(each, resolve);
    void endOfTerminal.then(() => resolve('SIGTERM'));
  });
  for (const again of SIGNALS) process.removeAllListeners(again).once(again, () => process.exit(130));
  await stop(signal);
}

import os from 'node:os';
import { StepFailed } from './step_failed.mjs';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Runs `main` so that Ctrl-C aborts it instead of killing it: what it started is stopped by its own `finally` blocks.
 * Sets the exit code; afterwards signals do again what they do by default.
 * @param {(signal: AbortSignal) => Promise<void>} main
 * @returns {Promise<boolean>} whether it came to its end
 */
export async function untilInterrupted(main) {
  const interruption = new AbortController();
  /** @param {NodeJS.Signals} name */
  const interrupt = (name) =>
    interruption.abort(new StepFailed(`Interrupted (${name}).`, 128 + os.constants.signals[name]));
  for (const name of signals) process.on(name, interrupt);
  try {
    await main(interruption.signal);
    return true;
  } catch (caught) {
    const error = interruption.signal.aborted ? interruption.signal.reason : caught;
    console.error(error instanceof StepFailed ? error.message : error);
    process.exitCode = error.exitCode ?? 1;
    return false;
  } finally {
    for (const name of signals) process.off(name, interrupt);
  }
}

import { withProgress } from './progress.mjs';
import { runCommand } from './run_command.mjs';
import { StepFailed } from './step_failed.mjs';

/**
 * Runs a command that must succeed. What it prints is shown only when it does not.
 * @param {string} title what the user is told
 * @param {import('./run_command.mjs').Command} command
 * @throws {StepFailed} with the command's output and exit code
 */
export async function runStep(title, command) {
  await withProgress(title, async () => {
    const { code, output } = await runCommand(command);
    if (code === 0) return;
    const told = code === 127 && output === '' ? `There is no ${command.command} on the PATH.` : output.trimEnd();
    throw new StepFailed(told, code);
  });
}

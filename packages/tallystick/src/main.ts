#!/usr/bin/env node
import * as module from 'node:module';

// Node.js 22.8 and later can cache compiled code between runs, which makes the start faster.
(module as { enableCompileCache?: () => void }).enableCompileCache?.();

// A reader that closes the pipe early, such as `head`, is not an error and does not stop a server. Neither is a closed terminal (EIO).
for (const output of [process.stdout, process.stderr]) {
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
  });
}

// Not `await`: the published program is CommonJS.
void import('./cli/run_command.ts').then(async ({ runCommand }) => {
  process.exitCode = await runCommand(process.argv.slice(2));
});

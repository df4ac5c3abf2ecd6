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

// oidc-provider warns about Node.js 20 when it is loaded. Tallystick supports and tests that version.
const { warn } = console;
console.warn = (...values) => {
  if (!String(values[0]).includes('oidc-provider WARNING: Unsupported runtime')) warn(...values);
};

const { runCommand } = await import('./cli/run_command.ts');
process.exitCode = await runCommand(process.argv.slice(2));

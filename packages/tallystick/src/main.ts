#!/usr/bin/env node
import * as module from 'node:module';

// Node.js 22.8 and later can cache compiled code between runs, which makes the start faster.
(module as { enableCompileCache?: () => void }).enableCompileCache?.();

// A reader that closes the pipe early, such as `head`, is not an error and does not stop a server.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

const { runCommand } = await import('./cli/run_command.ts');
process.exitCode = await runCommand(process.argv.slice(2));

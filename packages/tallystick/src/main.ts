#!/usr/bin/env node
import * as module from 'node:module';

// Where Node.js can (22.8 and later), keep compiled code between runs, to start faster.
(module as { enableCompileCache?: () => void }).enableCompileCache?.();

// A reader that has seen enough, such as `head`, is no failure, and does not stop a server.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

const { runCommand } = await import('./cli/run_command.ts');
process.exitCode = await runCommand(process.argv.slice(2));

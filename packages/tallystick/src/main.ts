#!/usr/bin/env node
import { runCommand } from './cli/run_command.ts';

process.exitCode = await runCommand(process.argv.slice(2));

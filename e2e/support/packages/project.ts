import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type RunningCommand, runCommand } from '../worlds/run_command.ts';

/** A project outside the workspace, as anybody has one. */
export interface Project {
  readonly folder: string;
  /** Installs packages, or what `package.json` names. @throws {Error} npm fails */
  install(...packages: readonly string[]): Promise<void>;
  /** Runs a program of `node_modules/.bin`, or `node`. */
  run(program: string, args: readonly string[], options?: RunOptions): RunningCommand;
  /** Runs a program that must succeed. @returns its output */
  succeed(program: string, args: readonly string[], options?: RunOptions): Promise<string>;
  remove(): Promise<void>;
}

export interface RunOptions {
  readonly environment?: Record<string, string>;
  /** The executable of Node.js. Default: that of this process. */
  readonly node?: string;
}

/** @param template a folder that is copied. Default: an empty project */
export async function createProject(template?: string): Promise<Project> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tallystick-project-'));
  if (template === undefined) await writeFile(path.join(folder, 'package.json'), '{ "private": true }\n');
  else await cp(template, folder, { recursive: true });

  function run(program: string, args: readonly string[], { environment, node = process.execPath }: RunOptions = {}) {
    const file = program === 'node' ? [] : [path.join(folder, 'node_modules/.bin', program)];
    return runCommand(node, [...file, ...args], {
      cwd: folder,
      environment: { CI: 'true', NO_COLOR: '1', ...environment },
    });
  }

  async function succeed(program: string, args: readonly string[], options?: RunOptions): Promise<string> {
    return outputOf(run(program, args, options), [program, ...args].join(' '));
  }

  return {
    folder,
    run,
    succeed,
    async install(...packages) {
      const args = ['install', '--prefer-offline', '--no-audit', '--no-fund', ...packages];
      await outputOf(runCommand('npm', args, { cwd: folder }), `npm ${args.join(' ')}`);
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** @throws {Error} the command fails; with its output */
async function outputOf(command: RunningCommand, title: string): Promise<string> {
  const code = await command.exit;
  if (code !== 0) throw new Error(`${title} ended with ${code}:\n${command.output()}`);
  return command.output();
}

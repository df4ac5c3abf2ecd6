import { withProgress } from '../process/progress.mjs';
import { runCommand } from '../process/run_command.mjs';
import { StepFailed } from '../process/step_failed.mjs';

/** A project of its own: a stack that the user has up under the default name is not ours to take down. */
const project = 'tallystick-check';
const shownLines = 40;
/** podman-compose 1.0 itself ends with 0 whatever happens; it prints how each podman that it ran ended. */
const podmanFailed = /^exit code: -?[1-9]\d*$/m;

/**
 * The services of a world, built, started and taken down as one.
 * @param {import('./find_compose.mjs').Compose} compose
 * @param {import('./services.mjs').World} world
 */
export function createStack({ command, prefix }, { services }) {
  // Services that are named start even if their profile is not active. podman-compose 1.0 knows no profiles.
  const names = services.map(({ name }) => name);
  /** @param {string[]} args */
  const composeCommand = (...args) => ({
    command,
    args: [...prefix, '-p', project, ...args],
    env: { ...process.env, BUILDAH_FORMAT: 'docker' },
  });

  return {
    /** @param {AbortSignal} signal */
    build: (signal) => runCompose('Building the image', { ...composeCommand('build'), signal }),

    /** @param {AbortSignal} signal */
    up: (signal) =>
      runCompose('Starting the services', { ...composeCommand('up', '-d', '--no-build', ...names), signal }),

    /** Not abortable: it is what an interruption leads to. */
    down: () =>
      withProgress('Taking everything down', async () => {
        const profiles = command === 'docker' ? { COMPOSE_PROFILES: '*' } : {};
        const { env, ...down } = composeCommand('down', '--volumes');
        await runCommand({ ...down, env: { ...env, ...profiles } });
        // podman-compose 1.0 leaves the network behind.
        if (command === 'podman-compose')
          await runCommand({ command: 'podman', args: ['network', 'rm', `${project}_default`] });
      }),

    /**
     * Runs a command inside a service's container.
     * @param {string} service
     * @param {string[]} words
     * @param {AbortSignal} signal
     * @returns {Promise<{ code: number, output: string }>}
     */
    exec: (service, words, signal) => runCommand({ ...composeCommand('exec', '-T', service, ...words), signal }),

    /**
     * @param {string} service
     * @returns {Promise<string>} the end of its log
     */
    logs: async (service) => {
      const { output } = await runCommand(composeCommand('logs', '--tail', `${shownLines}`, service));
      return output.trimEnd();
    },
  };
}

/**
 * @param {string} title
 * @param {import('../process/run_command.mjs').Command} command
 * @throws {StepFailed} with the end of what it printed
 */
async function runCompose(title, command) {
  await withProgress(title, async () => {
    const { code, output } = await runCommand(command);
    if (code === 0 && !podmanFailed.test(output)) return;
    throw new StepFailed(output.trimEnd().split('\n').slice(-shownLines).join('\n'), code || 1);
  });
}

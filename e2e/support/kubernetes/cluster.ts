import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { until } from '@tallystick/testing/until';
import type { IDeployment } from 'kubernetes-models/apps/v1';
import type { IConfigMap } from 'kubernetes-models/v1';
import { MAIN, type RunningCommand, runCommand } from '../worlds/run_command.ts';
import { allOf, environmentOf, type Manifest, oneOf, podOf, type Secrets } from './manifests.ts';

/** URLs of the ports of a pod, by their names. */
export type Ports = Readonly<Record<string, string>>;

export interface Cluster {
  readonly authorizationServer: Ports;
  readonly gateway: Ports;
  /** Stops all processes, as Kubernetes does. @returns their exit codes */
  stop(): Promise<(number | null)[]>;
}

interface ClusterOptions {
  readonly manifests: readonly Manifest[];
  readonly secrets: Secrets;
  readonly redis: string;
  /** Origin of the API behind every route. */
  readonly api: string;
  readonly folder: string;
}

/** Starts the container of each Deployment as a process. Only addresses differ from those in a cluster. */
export async function startCluster({ manifests, secrets, redis, api, folder }: ClusterOptions): Promise<Cluster> {
  const configuration = configurationIn(manifests).replaceAll(/http:\/\/\w+\.apis\.svc\.cluster\.local:8080/g, api);
  await writeFile(path.join(folder, 'tallystick.config.yaml'), configuration);
  const processes: RunningCommand[] = [];
  async function startRole(role: string, local: Readonly<Record<string, string>>): Promise<Ports> {
    const deployment = oneOf<IDeployment>(manifests, 'Deployment', role);
    const environment = environmentOf(deployment, secrets);
    const storeUrl = String(environment.TALLYSTICK_STORE_URL).replace(/@[^/]*/, `@${redis}`);
    const args = (podOf(deployment).container.args ?? []).map((arg) => arg.replace('/etc/tallystick', folder));
    const command = runCommand(process.execPath, [MAIN, ...args], {
      environment: { ...environment, ...LOCAL, ...local, TALLYSTICK_STORE_URL: storeUrl },
    });
    processes.push(command);
    const ended = command.exit.then(() => true);
    await until(async () => {
      const isRunning = !(await Promise.race([ended, new Promise((resolve) => setImmediate(resolve, false))]));
      if (!isRunning) throw new Error(command.output());
      return /listening on port/.test(command.output());
    });
    const portOf = (what: string) => new RegExp(`${what} on port (\\d+)`).exec(command.output())?.[1];
    return {
      http: `http://127.0.0.1:${portOf(`${role} listening`)}`,
      operations: `http://127.0.0.1:${portOf('operations')}`,
    };
  }
  const authorizationServer = await startRole('authorization-server', {});
  const gateway = await startRole('gateway', {
    TALLYSTICK_AUTHORIZATION_SERVER_BACK_CHANNEL_URL: String(authorizationServer.http),
  });
  return {
    authorizationServer,
    gateway,
    async stop() {
      for (const { signal } of processes) signal('SIGTERM');
      return Promise.all(processes.map(({ exit }) => exit));
    },
  };
}

/** What a test on one machine has to change. */
const LOCAL = {
  TALLYSTICK_HOST: '127.0.0.1',
  TALLYSTICK_AUTHORIZATION_SERVER_PORT: '0',
  TALLYSTICK_GATEWAY_PORT: '0',
  TALLYSTICK_GATEWAY_OPERATIONS_PORT: '0',
  TALLYSTICK_GATEWAY_OPERATIONS_HOST: '127.0.0.1',
  TALLYSTICK_AUTHORIZATION_SERVER_TIMEOUTS_DRAIN_DELAY: '0',
  TALLYSTICK_GATEWAY_TIMEOUTS_DRAIN_DELAY: '0',
};

/** The configuration file in the ConfigMap. */
export function configurationIn(manifests: readonly Manifest[]): string {
  const [map] = allOf<IConfigMap>(manifests, 'ConfigMap').filter(({ metadata }) =>
    /^tallystick-\w+$/.test(metadata.name),
  );
  return map?.data?.['tallystick.config.yaml'] ?? '';
}

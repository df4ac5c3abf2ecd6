import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, realpath, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { until } from '@tallystick/testing/until';
import { ROOT } from '../worlds/run_command.ts';

const run = promisify(execFile);
const PODMAN = String(process.env.PODMAN);

export interface ContainerEngine {
  /** Name of an image with the packed package. */
  readonly image: string;
  /** Address of Docker's API. */
  readonly host: string;
  stop(): Promise<void>;
}

/**
 * Serves Docker's API with Podman. The image is made of this machine's Node.js instead of the base image of the Dockerfile, because
 * not every machine reaches a registry of images. It exposes the same ports.
 */
export async function startContainerEngine(): Promise<ContainerEngine> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tallystick-podman-'));
  const image = `localhost/${path.basename(folder).toLowerCase()}:test`;
  const socket = path.join(folder, 'podman.sock');
  let service: ChildProcess | undefined;
  try {
    await createImage(path.join(folder, 'root'), image);
    service = spawn(PODMAN, ['system', 'service', '--time=0', `unix://${socket}`], { stdio: 'ignore' });
    await until(async () => isThere(socket));
  } catch (error) {
    service?.kill();
    await rm(folder, { recursive: true });
    throw error;
  }
  const served = service;
  return {
    image,
    host: `unix://${socket}`,
    async stop() {
      served.kill();
      await run(PODMAN, ['rmi', '--force', image]);
      await rm(folder, { recursive: true });
    },
  };
}

async function createImage(root: string, image: string): Promise<void> {
  await run(process.execPath, [path.join(ROOT, 'scripts/pack.mjs')]);
  const node = await realpath(process.execPath);
  const { stdout } = await run('ldd', [node]);
  const libraries = [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, file]) => String(file));
  for (const file of libraries) await copy(await realpath(file), path.join(root, file));
  await copy(node, path.join(root, 'usr/bin/node'));
  await cp(path.join(ROOT, 'dist/tallystick'), path.join(root, 'app/node_modules/tallystick'), { recursive: true });
  await mkdir(path.join(root, 'tmp'));
  const archive = `${root}.tar`;
  await run('tar', ['--create', '--file', archive, '--directory', root, '.']);
  const changes = [
    'ENTRYPOINT ["/usr/bin/node", "/app/node_modules/tallystick/lib/main.cjs"]',
    'CMD ["start"]',
    ...['TALLYSTICK_HOST', 'TALLYSTICK_CONTROL_API_HOST'].map((name) => `ENV ${name}=0.0.0.0`),
    'WORKDIR /app',
    'USER 1000:1000',
    ...[4000, 4100, 4200, 4300].map((port) => `EXPOSE ${port}`),
  ];
  await run(PODMAN, ['import', ...changes.flatMap((change) => ['--change', change]), archive, image]);
}

async function copy(from: string, to: string): Promise<void> {
  await mkdir(path.dirname(to), { recursive: true });
  await cp(from, to);
}

async function isThere(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

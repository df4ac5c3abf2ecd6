import { once } from 'node:events';
import net from 'node:net';
import { StepFailed } from '../process/step_failed.mjs';

/**
 * Another Tallystick on the same ports would answer in the place of the one that is checked.
 * @param {import('./services.mjs').World} world
 * @throws {StepFailed} naming the port that is taken
 */
export async function expectPortsFree({ services }) {
  for (const { healthy } of services) {
    if (healthy === undefined) continue;
    const { port } = new URL(healthy);
    const server = net.createServer().listen(Number(port));
    try {
      await once(server, 'listening');
    } catch (error) {
      throw new StepFailed(`Port ${port} is taken (${error.code}). Stop what listens there; the check needs it.`);
    }
    server.close();
    await once(server, 'close');
  }
}

import { afterEach } from '@jest/globals';
import { startForwarding } from './forwarding_server.ts';
import type { Running } from './servers.ts';

/** For a test file: servers that are stopped after the test that started them. */
export function stoppingAfterEach() {
  const running: Running[] = [];
  afterEach(async () => {
    await Promise.all(running.splice(0).map((server) => server.stop()));
  });

  async function use<T extends Running>(starting: Promise<T>): Promise<T> {
    const started = await starting;
    running.push(started);
    return started;
  }

  async function forwardingTo(starting: Promise<Running>, timeout?: number) {
    return use(startForwarding((await use(starting)).origin, timeout));
  }

  return { use, forwardingTo };
}

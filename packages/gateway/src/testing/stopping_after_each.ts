import { onTestFinished } from '@tallystick/testing/on_test_finished';
import { startForwarding } from './forwarding_server.ts';
import type { Running } from './servers.ts';

/** For a test file: servers that are stopped after the test that started them. */
export function stoppingAfterEach() {
  async function use<T extends Running>(starting: Promise<T>): Promise<T> {
    const started = await starting;
    onTestFinished(started.stop);
    return started;
  }

  async function forwardingTo(starting: Promise<Running>, timeout?: number) {
    return use(startForwarding((await use(starting)).origin, timeout));
  }

  return { use, forwardingTo };
}

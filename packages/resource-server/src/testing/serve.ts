import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from '@tallystick/testing/on_test_finished';

/** A real HTTP server on a free port, closed when the test is over. */
export async function serve(
  listener: RequestListener,
): Promise<{ url: string; port: number; stop: () => Promise<void> }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const stop = async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  onTestFinished(stop);
  return { url: `http://127.0.0.1:${port}`, port, stop };
}

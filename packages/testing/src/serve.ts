import { createServer, type RequestListener } from 'node:http';
import { type Address, type ListeningServer, listen } from './listen.ts';
import { startForTest } from './on_test_finished.ts';

/** An HTTP server for the current test; it stops after the test. */
export function serve(listener: RequestListener, address?: Address): Promise<ListeningServer> {
  return startForTest(listen(createServer(listener), address));
}

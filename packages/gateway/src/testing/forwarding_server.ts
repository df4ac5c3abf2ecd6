import { createServer, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ResourceServerError } from '@tallystick/resource-server';
import { type ListeningServer, listen } from '@tallystick/testing/listen';
import { startForTest } from '@tallystick/testing/on_test_finished';
import { defaultIdentityHeaders } from '../config/default_headers.ts';
import { upstreamHealth } from '../config/upstream.ts';
import { createForwarder, type ForwarderOptions } from '../forward/forwarder.ts';
import { createVia } from '../forward/via.ts';
import { answerRefusal, lingerAfterAnswer, responseOnSocket } from '../http/answer.ts';
import type { Forwarding } from '../routes/forwarding.ts';
import { createUpstreamPool } from '../routes/upstream_pool.ts';

/** Starts the forwarding step alone: every request goes to one upstream, with `Bearer internal-jwt`. */
export async function startForwarding(
  upstreamOrigin: string,
  timeout = 5_000,
  options: Partial<ForwarderOptions> = {},
): Promise<ListeningServer> {
  const forwarder = createForwarder({ via: createVia(), identityHeaders: defaultIdentityHeaders, ...options });
  const forwarding: Forwarding = {
    routeName: '/',
    upstreams: createUpstreamPool([upstreamOrigin], upstreamHealth.parse({}), Date.now),
    timeout,
    maxBodyBytes: undefined,
    maxResponseHeaderBytes: 64 * 1024,
    strippedPrefix: undefined,
    preservesHost: false,
    tokenSubprotocol: undefined,
    tls: undefined,
    rewriteResponse: undefined,
    cors: undefined,
  };
  const destination = (target = '') => ({
    forwarding,
    target,
    authorization: 'Bearer internal-jwt',
    clientHeld: 'client-held',
  });

  function serve(respond: () => ServerResponse, forward: (refuse: (error: ResourceServerError) => void) => void) {
    const refuse = (error: ResourceServerError) => answerRefusal(respond(), error);
    try {
      forward(refuse);
    } catch (error) {
      refuse(error as ResourceServerError);
    }
  }

  const server = createServer((request, response) => {
    lingerAfterAnswer(request, response);
    serve(
      () => response,
      (refuse) => forwarder.request(request, response, destination(request.url), refuse),
    );
  });
  server.on('upgrade', (request, duplex, head) => {
    const socket = duplex as Socket;
    socket.on('error', () => {});
    serve(
      () => responseOnSocket(request, socket),
      (refuse) =>
        forwarder.upgrade(request, socket, head, destination(request.url), { refuse, answered() {}, opened() {} }),
    );
  });

  const running = await listen(server);
  return {
    ...running,
    async stop() {
      await running.stop();
      forwarder.close();
    },
  };
}

/** Forwards to an upstream that starts for the current test, and stops both after the test. */
export async function forwardingTo(starting: Promise<ListeningServer>, timeout?: number): Promise<ListeningServer> {
  return startForTest(startForwarding((await startForTest(starting)).origin, timeout));
}

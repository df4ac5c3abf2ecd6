import { createServer, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ResourceServerError } from '@tallystick/resource-server';
import { type ListeningServer, listen } from '@tallystick/testing/listen';
import { startForTest } from '@tallystick/testing/on_test_finished';
import type { RouteConfig } from '../config/route.ts';
import { createForwarder, type ForwarderOptions } from '../forward/forwarder.ts';
import { createVia } from '../forward/via.ts';
import { answerRefusal, lingerAfterAnswer, responseOnSocket } from '../http/answer.ts';
import { createForwarding } from '../routes/forwarding.ts';
import { gatewayConfigOf } from './gateway_config.ts';

/** Starts the forwarding step alone: every request goes to one upstream, with `Bearer internal-jwt`. */
export async function startForwarding(
  upstreamOrigin: string,
  timeout = 5_000,
  options: Partial<ForwarderOptions> = {},
): Promise<ListeningServer> {
  const routes = [{ prefix: '/', public: true, upstream: upstreamOrigin }] as const;
  const config = gatewayConfigOf({ routes, timeouts: { upstream: timeout } });
  const { identityHeaders, timeouts } = config;
  const forwarder = createForwarder({ via: createVia(), identityHeaders, timeouts, ...options });
  const forwarding = createForwarding(config.routes[0] as RouteConfig, config, Date.now);
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

import { randomUUID } from 'node:crypto';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { UpstreamCall } from '@tallystick/gateway';
import type { Fault, FaultInjector } from './faults.ts';
import { inject } from './intercept.ts';

/** Names the diverted call, between the gateway and the relay only. */
const HEADER = 'tallystick-fault';

/** Stands between the gateway and an upstream for the calls that a fault affects. */
export interface FaultRelay {
  /** @returns the origin to which the gateway sends the call */
  divert(call: UpstreamCall, fault: Fault): string | undefined;
  stop(): void;
}

interface Diverted {
  readonly fault: Fault;
  readonly origin: string;
}

/** It listens once there is a fault at an upstream. */
export function createFaultRelay(faults: FaultInjector): FaultRelay {
  const diverted = new Map<string, Diverted>();
  let server: Server | undefined;
  const stopWatching = faults.onChange(() => {
    if (server !== undefined || !faults.list().some(({ at }) => at === 'upstream')) return;
    server = createServer((request, response) => void serve(request, response));
    server.listen(0, '127.0.0.1').unref();
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const id = String(request.headers[HEADER]);
    const call = diverted.get(id);
    diverted.delete(id);
    // The gateway would repeat a call that breaks off on a connection that it has used before.
    response.shouldKeepAlive = false;
    if (call === undefined) response.writeHead(404).end();
    else if (!(await inject(call.fault, response, faults.cleared))) forward(request, response, call.origin);
  }

  return {
    divert({ request, origin }, fault) {
      const address = server?.address() as AddressInfo | null | undefined;
      if (!address) return undefined;
      const id = randomUUID();
      diverted.set(id, { fault, origin });
      request.headers[HEADER] = id;
      return `http://127.0.0.1:${address.port}`;
    },
    stop() {
      stopWatching();
      server?.close();
      server?.closeAllConnections();
    },
  };
}

function forward(request: IncomingMessage, response: ServerResponse, origin: string): void {
  const { protocol, hostname, port } = new URL(origin);
  const { [HEADER]: _, ...headers } = request.headers;
  const send = protocol === 'https:' ? httpsRequest : httpRequest;
  const options = { protocol, hostname, port, path: request.url, method: request.method, headers, agent: false };
  const outgoing = send(options, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  outgoing.on('error', () => response.destroy());
  request.pipe(outgoing);
}

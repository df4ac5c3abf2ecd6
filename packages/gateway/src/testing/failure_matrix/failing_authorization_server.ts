import type { ServerResponse } from 'node:http';
import { startAuthorizationServer, type TestAuthorizationServer } from '../authorization_server.ts';
import { api } from '../gateway_fixture.ts';
import type { AuthorizationServerState } from './states.ts';

export interface FailingAuthorizationServer extends TestAuthorizationServer {
  /** Begins the failure of its state. Before, it answers correctly. */
  beginFailure(): Promise<void>;
}

export async function startFailingAuthorizationServer(
  state: AuthorizationServerState,
): Promise<FailingAuthorizationServer> {
  const server = await startAuthorizationServer(() => Date.now());
  const jwt = await server.issue({ aud: api('phantom') });
  const jwtOfOtherIssuer = await server.issue({ aud: api('phantom'), iss: 'https://other.example.com' });
  const jwtHead = { 'Content-Type': 'application/jwt', 'Cache-Control': 'max-age=60' };

  const answers: Record<Exclude<AuthorizationServerState, 'up' | 'refused'>, (response: ServerResponse) => unknown> = {
    slow: () => {},
    '401': (response) => response.writeHead(401, { 'WWW-Authenticate': 'Basic' }).end('{"error":"invalid_client"}'),
    '429': (response) => response.writeHead(429, { 'Retry-After': '7' }).end(),
    '500': (response) => response.writeHead(500).end(),
    HTML: (response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end('<p>Under construction</p>'),
    truncated(response) {
      response.writeHead(200, { ...jwtHead, 'Content-Length': jwt.length });
      response.write(jwt.slice(0, -9), () => response.destroy());
    },
    huge: (response) => response.writeHead(200, jwtHead).end(jwt.padEnd(1024 * 1024 + 1)),
    'wrong content type': (response) => response.writeHead(200, { 'Content-Type': 'text/plain' }).end(jwt),
    'wrong issuer': (response) => response.writeHead(200, jwtHead).end(jwtOfOtherIssuer),
  };

  return Object.assign(server, {
    async beginFailure() {
      if (state === 'refused') await server.stop();
      else if (state !== 'up') server.onIntrospection = answers[state];
    },
  });
}

import { createServer, type IncomingMessage } from 'node:http';
import { NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node';
import { type AuthInfo, McpServer } from '@modelcontextprotocol/server';
import { listen } from '@tallystick/testing/listen';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { z } from 'zod';

export interface RunningMcpServer {
  readonly url: string;
  /** The identity of the MCP server behind the gateway. It is known only after the gateway has started. */
  protect(with_: { issuer: string; resource: string }): void;
  /** Every access token that reached it, unchanged. */
  readonly received: string[];
  stop(): Promise<void>;
}

/** An MCP server (streamable HTTP) of the official SDK. It validates access tokens with jose. */
export async function startMcpServer(): Promise<RunningMcpServer> {
  const received: string[] = [];
  let authenticate: (request: IncomingMessage) => Promise<AuthInfo> = () => Promise.reject(new Error('not yet'));

  const server = createServer(async (request, response) => {
    const auth = await authenticate(request).catch(() => undefined);
    if (auth === undefined) {
      response.writeHead(401, { 'WWW-Authenticate': 'Bearer' }).end();
      return;
    }
    const transport = new NodeStreamableHTTPServerTransport({ sessionIdGenerator: undefined });
    await createTools().connect(transport);
    await transport.handleRequest(Object.assign(request, { auth }), response);
  });
  const { origin: url, stop } = await listen(server);
  return {
    url,
    stop,
    received,
    protect({ issuer, resource }) {
      const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));
      authenticate = async ({ headers: { authorization = '' } }) => {
        const token = authorization.replace(/^Bearer /, '');
        received.push(token);
        const { payload } = await jwtVerify(token, keys, { issuer, audience: resource, typ: 'at+jwt' });
        const { client_id: clientId, scope, sub } = payload as { client_id: string; scope: string; sub: string };
        return { token, clientId, scopes: scope.split(' '), extra: { sub } };
      };
    },
  };
}

function createTools(): McpServer {
  const tools = new McpServer({ name: 'tools', version: '1.0.0' });
  tools.registerTool('whoami', { description: 'Says who calls.' }, async (context) => ({
    content: [{ type: 'text', text: String(context.http?.authInfo?.extra?.sub) }],
  }));
  tools.registerTool(
    'count',
    { description: 'Counts, and says how far it is.', inputSchema: z.object({ to: z.int() }) },
    async ({ to }, context) => {
      const progressToken = context.mcpReq._meta?.progressToken;
      for (let progress = 1; progress <= to && progressToken !== undefined; progress += 1) {
        await context.mcpReq.notify({
          method: 'notifications/progress',
          params: { progressToken, progress, total: to },
        });
      }
      return { content: [{ type: 'text', text: 'counted' }] };
    },
  );
  return tools;
}

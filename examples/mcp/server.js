import { NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node';
import { McpServer } from '@modelcontextprotocol/server';

/** An MCP server. The gateway has checked the token, and passes on a JWT. */
export async function mcpServer(request, response) {
  const [, payload] = request.headers.authorization.split('.');
  const { sub } = JSON.parse(Buffer.from(payload, 'base64url'));
  const tools = new McpServer({ name: 'orders', version: '1.0.0' });
  tools.registerTool('orders', { description: 'The orders of the user.' }, async () => ({
    content: [{ type: 'text', text: `Orders of ${sub}` }],
  }));
  const transport = new NodeStreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  await tools.connect(transport);
  await transport.handleRequest(request, response);
}

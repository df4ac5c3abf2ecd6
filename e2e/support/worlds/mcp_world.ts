import { freePort } from '@tallystick/testing/free_port';
import { onTestFinished } from '@tallystick/testing/on_test_finished';
import { startMcpServer } from '../peers/mcp_server.ts';
import { startOneProcess } from './one_process.ts';

/** An MCP server behind the gateway; its resource indicator is the URL that clients are given. Both stop after the test. */
export async function startMcpWorld(accessTokens: 'jwt' | 'phantom' | 'split') {
  const mcp = await startMcpServer();
  onTestFinished(mcp.stop);
  const [port, issuerPort, sampleApiPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const resource = `http://localhost:${port}/mcp`;
  const world = await startOneProcess(
    (config) => ({
      ...config,
      issuer: `http://localhost:${issuerPort}`,
      authorizationServer: { ...config.authorizationServer, port: issuerPort },
      sampleApi: { ...config.sampleApi, port: sampleApiPort },
      gateway: {
        ...config.gateway,
        port,
        routes: [
          ...config.gateway.routes,
          { prefix: '/mcp', api: resource, upstream: mcp.url, scopes: { '*': ['tools'] } },
        ],
      },
      apis: [...config.apis, { resource, accessTokens, scopes: ['tools'] }],
    }),
    'configured',
  );
  onTestFinished(world.stop);
  mcp.protect({ issuer: world.issuer, resource });
  return { world, mcp, resource };
}

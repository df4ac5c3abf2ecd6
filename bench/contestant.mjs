// One process of the benchmark: the API, bare http-proxy before it, the gateway before it, or the authorization server. It answers
// every message with the processor time it has used, in microseconds.
import http from 'node:http';
import { createRequire } from 'node:module';

const [role, upstreamUrl, issuer] = process.argv.slice(2);
const styles = ['jwt', 'phantom', 'split'];
const apiOf = (style) => `https://api.example.com/${style}`;
const idle = 60_000;

const roles = {
  async upstream() {
    const body = JSON.stringify({ hello: 'world', padding: 'x'.repeat(200) });
    const headers = { 'Content-Type': 'application/json', 'Content-Length': body.length };
    return { url: await listen(http.createServer((_request, response) => response.writeHead(200, headers).end(body))) };
  },
  async bare() {
    const require = createRequire(new URL('../packages/gateway/package.json', import.meta.url));
    const agent = new http.Agent({ keepAlive: true, timeout: idle });
    const proxy = require('http-proxy').createProxyServer({ target: upstreamUrl, agent, xfwd: true });
    return { url: await listen(http.createServer((request, response) => proxy.web(request, response))) };
  },
  async 'authorization-server'() {
    const { loadConfig, startTallystick } = await import('../packages/tallystick/dist/index.js');
    const config = await loadConfig(new URL('../tallystick.config.yaml', import.meta.url).pathname);
    const { issuer, token } = await startTallystick({ config });
    const tokens = {};
    for (const style of styles) {
      const request = { client: 'demo-service', api: apiOf(style), scopes: ['read'], user: 'alice', expiresIn: 3600 };
      tokens[style] = (await token(request)).accessToken;
    }
    return { url: issuer, tokens };
  },
  async gateway() {
    const { createGateway, createGatewayServer, createMetrics } = await import('../packages/gateway/dist/index.js');
    const { gatewayConfig } = await import('../packages/gateway/dist/config/index.js');
    const { openTokenStore } = await import('../packages/token-store/dist/index.js');
    const { storeConfig } = await import('../packages/token-store/dist/config/index.js');
    const nothing = () => {};
    const config = gatewayConfig.parse({
      issuer,
      authorizationServer: { introspectionEndpoint: `${issuer}/token/introspection`, jwksUri: `${issuer}/jwks` },
      client: { id: 'gateway', secret: 'gateway-secret' },
      cache: { maxEntries: 1000, maxAge: 3600 },
      apis: styles.map((style) => ({ resource: apiOf(style), accessTokens: style })),
      routes: styles.map((style) => ({
        prefix: `/${style}`,
        upstream: upstreamUrl,
        api: apiOf(style),
        scopes: { GET: ['read'], '*': ['write'] },
        // The store is empty. The warm-up fills the cache by introspection.
        ...(style === 'split' && { onMiss: 'introspect' }),
      })),
    });
    const gateway = createGateway(config, {
      store: await openTokenStore(storeConfig()),
      log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
      metrics: createMetrics(),
    });
    return { url: await listen(createGatewayServer(gateway, config)) };
  },
};

process.on('SIGINT', () => process.exit());
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send(user + system);
});
process.send(await roles[role]());

function listen(server) {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`));
  });
}

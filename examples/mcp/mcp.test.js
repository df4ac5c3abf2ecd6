import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client';
import { startTallystick } from 'tallystick';
import { mcpServer } from './server.js';

const redirectUri = 'http://localhost:7777/callback'; // Nothing listens there.
let tally;
let url;
before(async () => {
  tally = await startTallystick({ log: { level: 'silent' } });
  // The name of an MCP server is the URL that its clients get.
  url = `${tally.gatewayUrl}/mcp`;
  await tally.apis.put({ resource: url, accessTokens: 'phantom', scopes: ['tools'], upstream: mcpServer });
  await tally.routes.put({ prefix: '/mcp', api: url, scopes: { '*': ['tools'] } });
  await tally.clients.put({
    id: 'agent',
    grants: ['authorization_code', 'refresh_token'],
    redirectUris: [redirectUri],
    automaticLogin: { user: 'alice' },
  });
});
after(() => tally.stop());

/** What the client remembers. The SDK finds the authorization server by itself. */
class Agent {
  redirectUrl = redirectUri;
  clientMetadata = { redirect_uris: [redirectUri] };
  clientInformation = () => ({ client_id: 'agent' });
  tokens = () => this.held;
  saveTokens = (tokens) => {
    this.held = tokens;
  };
  codeVerifier = () => this.verifier;
  saveCodeVerifier = (verifier) => {
    this.verifier = verifier;
  };
  saveDiscoveryState = (state) => {
    this.discovered = state;
  };
  discoveryState = () => this.discovered;
  redirectToAuthorization = (authorizationUrl) => {
    this.authorizationUrl = authorizationUrl;
  };
}

/** Follows the redirects, as the user's browser does. */
async function callbackOf(authorizationUrl) {
  const cookies = new Map();
  let next = authorizationUrl;
  while (!next.href.startsWith(redirectUri)) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(next, { redirect: 'manual', headers: { cookie } });
    assert.ok(answer.headers.has('location'), await answer.text());
    for (const line of answer.headers.getSetCookie()) cookies.set(...line.split(';')[0].split('='));
    next = new URL(answer.headers.get('location'), next);
  }
  return next.searchParams;
}

function connect(authProvider) {
  const client = new Client({ name: 'agent', version: '1.0.0' });
  const transport = new StreamableHTTPClientTransport(new URL(url), { authProvider });
  return { client, transport, connected: client.connect(transport) };
}

test('a client that knows only the URL signs its user in, and calls a tool', async () => {
  const agent = new Agent();
  const { transport, connected } = connect(agent);
  await assert.rejects(connected, UnauthorizedError);
  await transport.finishAuth(await callbackOf(agent.authorizationUrl));

  const signedIn = connect(agent);
  await signedIn.connected;
  const { content } = await signedIn.client.callTool({ name: 'orders' });
  assert.deepEqual(content, [{ type: 'text', text: 'Orders of alice' }]);
  await signedIn.client.close();
});

test('the challenge names the metadata of the server', async () => {
  const answer = await fetch(url, { method: 'POST' });
  assert.equal(answer.status, 401);
  assert.match(answer.headers.get('www-authenticate'), /resource_metadata="[^"]+oauth-protected-resource\/mcp"/);
});

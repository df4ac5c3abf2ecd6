import { expect, test } from '@jest/globals';
import {
  Client,
  type OAuthClientInformationMixed,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type OAuthTokens,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client';
import { createBrowser, follow, open, REDIRECT_URI } from '@tallystick/testing/sign_in';
import { requirement } from '../requirements/index.ts';
import { startMcpWorld } from '../support/worlds/mcp_world.ts';
import type { World } from '../support/worlds/world.ts';

/** What an MCP client keeps: nothing at first, then what it was given. */
class Memory implements OAuthClientProvider {
  readonly redirectUrl = REDIRECT_URI;
  readonly clientMetadata = {
    client_name: 'An MCP client',
    redirect_uris: [REDIRECT_URI],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'none',
  };
  authorizationUrl: URL | undefined;
  registered: OAuthClientInformationMixed | undefined;
  held: OAuthTokens | undefined;
  private verifier = '';
  private discovered: OAuthDiscoveryState | undefined;

  clientInformation = () => this.registered;
  saveClientInformation(information: OAuthClientInformationMixed) {
    this.registered = information;
  }
  tokens = () => this.held;
  saveTokens(tokens: OAuthTokens) {
    this.held = tokens;
  }
  redirectToAuthorization(url: URL) {
    this.authorizationUrl = url;
  }
  saveCodeVerifier(verifier: string) {
    this.verifier = verifier;
  }
  codeVerifier = () => this.verifier;
  saveDiscoveryState(state: OAuthDiscoveryState) {
    this.discovered = state;
  }
  discoveryState = () => this.discovered;
}

test.each(['jwt', 'phantom', 'split'] as const)(requirement('mcp-client', '%s'), async (style) => {
  const { world, mcp, resource } = await startMcpWorld(style);
  const memory = new Memory();
  const connect = async () => {
    const transport = new StreamableHTTPClientTransport(new URL(resource), { authProvider: memory });
    const client = new Client({ name: 'a client', version: '1.0.0' });
    return { transport, client, connected: client.connect(transport) };
  };

  const first = await connect();
  await expect(first.connected).rejects.toBeInstanceOf(UnauthorizedError);
  await first.transport.finishAuth(new URLSearchParams((await signInAt(world, memory)).search));

  const { client, connected } = await connect();
  await connected;
  expect((await client.callTool({ name: 'whoami' })).content).toEqual([{ type: 'text', text: 'alice' }]);
  const told: number[] = [];
  await client.callTool(
    { name: 'count', arguments: { to: 3 } },
    { onprogress: ({ progress }) => void told.push(progress) },
  );
  expect(told).toEqual([1, 2, 3]);
  await client.close();

  expect(memory.registered?.client_id).toEqual(expect.any(String));
  if (style !== 'jwt') expect(mcp.received).not.toContain(memory.held?.access_token);
});

/** The user whom the client sends to the authorization server signs in there. */
async function signInAt(world: World, { authorizationUrl }: Memory): Promise<URL> {
  if (!authorizationUrl) throw new Error('the client asked for no authorization');
  const browser = createBrowser(world);
  const page = await open(browser, authorizationUrl);
  const callback = await follow(world, browser, page);
  if (typeof callback === 'string') throw new Error(callback);
  return callback;
}

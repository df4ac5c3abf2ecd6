import { createServer } from 'node:http';
import type { Log } from '@tallystick/common';
import { listen } from '@tallystick/testing/listen';
import { onTestFinished, startForTest } from '@tallystick/testing/on_test_finished';
import { openTokenStore, type TokenStore } from '@tallystick/token-store';
import { storeConfig } from '@tallystick/token-store/config';
import type { AuthorizationServerConfig, ClientConfig } from '../config/config.ts';
import { createAuthorizationServer } from '../create_authorization_server.ts';
import { testClient, testConfiguration } from './test_server.ts';

export interface RunningAuthorizationServer {
  readonly config: AuthorizationServerConfig;
  readonly store: TokenStore;
  /** Messages logged at `warn`. */
  readonly warnings: readonly string[];
  /** Sends a token request as a client whose secret is its id and `-secret`. */
  token(client: string, parameters: Record<string, string> | [string, string][]): Promise<TokenAnswer>;
  /** The introspection response as JSON. */
  introspect(token: string): Promise<Record<string, unknown>>;
  /** The JWT of a token, by introspection. */
  jwtOf(token: string): Promise<string>;
}

export interface TokenAnswer {
  readonly status: number;
  readonly error?: string;
  readonly error_description?: string;
  readonly access_token: string;
  readonly issued_token_type?: string;
  readonly expires_in?: number;
  readonly scope?: string;
}

/** Starts an authorization server on a memory store with an API of each style, until the end of the test. */
export async function startAuthorizationServer(
  given: (issuer: string) => Partial<AuthorizationServerConfig>,
): Promise<RunningAuthorizationServer> {
  const store = await openTokenStore(storeConfig());
  onTestFinished(() => store.close());
  const server = createServer();
  const { origin: issuer } = await startForTest(listen(server));
  const config = configuration(issuer, given(issuer));
  const warnings: string[] = [];
  const log: Log = { debug() {}, info() {}, warn: (_fields, message) => void warnings.push(message), error() {} };
  server.on('request', (await createAuthorizationServer(config, { store, log })).handler);

  const post = (
    path: string,
    client: string,
    parameters: Record<string, string> | [string, string][],
    accept: string,
  ) =>
    fetch(issuer + path, {
      method: 'POST',
      headers: { Authorization: `Basic ${btoa(`${client}:${client}-secret`)}`, Accept: accept },
      body: new URLSearchParams(parameters),
    });
  const introspect = (token: string, accept: string) => post('/token/introspection', 'gateway', { token }, accept);
  return {
    config,
    store,
    warnings,
    async token(client, parameters) {
      const answer = await post('/token', client, parameters, 'application/json');
      return { ...((await answer.json()) as TokenAnswer), status: answer.status };
    },
    introspect: async (token) =>
      (await (await introspect(token, 'application/json')).json()) as Record<string, unknown>,
    jwtOf: async (token) => (await introspect(token, 'application/jwt')).text(),
  };
}

/** A client whose secret is its id and `-secret`. */
export function client(given: Parameters<typeof testClient>[0]): ClientConfig {
  return testClient({ secret: `${given.id}-secret`, ...given });
}

function configuration(issuer: string, given: Partial<AuthorizationServerConfig>): AuthorizationServerConfig {
  const clients = [client({ id: 'gateway', introspects: true }), ...(given.clients ?? [])];
  return { ...testConfiguration(issuer), ...given, clients };
}

import { startForTest } from '@tallystick/testing/on_test_finished';
import type { TokenStore } from '@tallystick/token-store';
import type { AuthorizationServerConfig, ClientConfig } from '../config/config.ts';
import { silent, startTestServer, testClient } from './test_server.ts';

export interface TokenRequests {
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

/** Starts a test server until the end of the test, with functions that send token and introspection requests to it. */
export async function startForTokenRequests(
  given: (issuer: string) => Partial<AuthorizationServerConfig>,
): Promise<TokenRequests> {
  const warnings: string[] = [];
  const { issuer, store, configuration } = await startForTest(
    startTestServer((config) => withClients(config, given(config.issuer)), {
      log: { ...silent, warn: (_fields, message) => void warnings.push(message) },
    }),
  );

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
    config: configuration.current(),
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

function withClients(
  config: AuthorizationServerConfig,
  given: Partial<AuthorizationServerConfig>,
): AuthorizationServerConfig {
  const clients = [client({ id: 'gateway', introspects: true }), ...(given.clients ?? [])];
  return { ...config, ...given, clients };
}

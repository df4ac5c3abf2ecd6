import { createServer } from 'node:http';
import type { Log } from '@tallystick/common';
import { listen } from '@tallystick/testing/listen';
import { REDIRECT_URI } from '@tallystick/testing/sign_in';
import { openTokenStore, type TokenStore } from '@tallystick/token-store';
import { storeConfig } from '@tallystick/token-store/config';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { type AuthorizationServer, createAuthorizationServer } from '../create_authorization_server.ts';
import { silent, testClient, testConfiguration } from './test_server.ts';

export interface Served {
  readonly issuer: string;
  readonly store: TokenStore;
  readonly authorizationServer: AuthorizationServer;
  /** Replaces the authorization server with another one on the same store. */
  replaceWithAnother(): Promise<AuthorizationServer>;
  stop(): Promise<void>;
}

export interface ServeOptions {
  readonly now?: () => number;
  /** The path of the issuer. */
  readonly path?: string;
  readonly signingKey?: string;
  readonly log?: Log;
}

/** Starts an authorization server on a real port, with an API of each style and the clients that the tests need. */
export async function serve({ now, path = '', signingKey, log = silent }: ServeOptions = {}): Promise<Served> {
  const store = await openTokenStore(storeConfig(), { now });
  const server = createServer();
  const listening = await listen(server);
  const issuer = listening.origin + path;
  const start = async () => {
    const made = await createAuthorizationServer(
      { ...configuration(issuer), ...(signingKey && { signingKey }) },
      { store, log, ...(now && { now }) },
    );
    server.removeAllListeners('request').on('request', made.handler);
    return made;
  };
  return {
    issuer,
    store,
    authorizationServer: await start(),
    replaceWithAnother: start,
    async stop() {
      await listening.stop();
      await store.close();
    },
  };
}

/** The test configuration, with clients that sign users in. */
function configuration(issuer: string): AuthorizationServerConfig {
  const usual = testConfiguration(issuer);
  const redirectUris = [REDIRECT_URI];
  return {
    ...usual,
    clients: [
      ...usual.clients,
      testClient({ id: 'web', grants: ['authorization_code', 'refresh_token'], redirectUris }),
      testClient({ id: 'ci', grants: ['authorization_code'], redirectUris, automaticLogin: { user: 'alice' } }),
    ],
  };
}

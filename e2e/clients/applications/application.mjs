// What every program in this folder has in common: where it is, who it is, and the paths by which the tests drive it.
import { createServer } from 'node:http';

const { ISSUER, PORT, CLIENT_ID, CLIENT_SECRET, AUDIENCE } = process.env;

export const issuer = String(ISSUER);
export const origin = `http://localhost:${PORT}`;
export const redirectUri = `${origin}/callback`;
export const clientId = String(CLIENT_ID);
export const clientSecret = String(CLIENT_SECRET);
/** What the access tokens of an API are for. */
export const audience = String(AUDIENCE);
export const scope = 'openid profile email read';

/** Listens for the tests. @param {import('node:http').RequestListener} app */
export function listen(app) {
  createServer(app).listen(Number(PORT), '127.0.0.1');
}

/** Status of an API that is called with the token. @param {string} url @param {string} token */
export async function callWith(url, token) {
  const { status } = await fetch(url, { headers: { Authorization: `Bearer ${token}` } });
  return { status };
}

/**
 * An application with one user, around a library without a server of its own.
 *
 * @param {object} client what the library does; each function but the first two gets what `callback` returned
 * @param {() => Promise<{ url: string | URL }>} client.login where the user goes; all it returns is passed to `callback`
 * @param {(url: URL, started: any) => Promise<any>} client.callback takes the authorization response
 * @param {(session: any) => object} client.me what the application knows: `accessToken`, and the claims of the ID token, if there is one
 * @param {(session: any) => Promise<any>} [client.refresh] returns the session that follows
 * @param {(session: any) => Promise<object>} [client.userinfo]
 * @param {(session: any) => Promise<void>} [client.revoke]
 * @param {(session: any) => Promise<string | URL> | string | URL} [client.logout] where the user goes
 * @param {(session: any, url: string) => Promise<{ status: number }>} client.call calls an API
 */
export function serveApplication(client) {
  let started;
  let session;
  const routes = {
    '/login': async () => {
      started = await client.login();
      return started.url;
    },
    '/callback': async (url) => {
      session = await client.callback(url, started);
      return new URL('/me', origin);
    },
    '/me': () => client.me(session),
    '/refresh': async () => {
      session = await client.refresh(session);
      return client.me(session);
    },
    '/userinfo': () => client.userinfo(session),
    '/revoke': async () => {
      await client.revoke(session);
      return {};
    },
    '/logout': () => client.logout(session),
    '/call': async (url) => {
      const { status } = await client.call(session, String(url.searchParams.get('url')));
      return { status };
    },
  };
  listen(async (request, response) => {
    const url = new URL(String(request.url), origin);
    try {
      const result = await (routes[url.pathname] ?? (() => ({})))(url);
      if (typeof result === 'string' || result instanceof URL)
        response.writeHead(302, { Location: String(result) }).end();
      else response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(result));
    } catch (error) {
      response
        .writeHead(500)
        .end(`${error?.stack} ${JSON.stringify({ ...error, cause: undefined, data: undefined, output: undefined })}`);
    }
  });
}

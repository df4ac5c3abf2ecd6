import { fileURLToPath } from 'node:url';
import { type Browser, createBrowser, follow, open, submit } from '@tallystick/testing/sign_in';
import { startProgram } from '../support/peers/program.ts';
import type { OneProcess } from '../support/worlds/one_process.ts';
import { resourceOf, type Style } from '../support/worlds/world.ts';
import type { ClientEntry, RealClient } from './table.ts';

/** mod_auth_openidc redirects only a request that looks like one of a browser. */
const HEADERS = { Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };

/** What an application knows of its user. */
export interface Known {
  /** Claims of the ID token; absent in an application without OpenID Connect. */
  readonly sub?: string;
  readonly email?: string;
  readonly accessToken: string;
}

/** A running application with a real client, and a user in front of it. */
export interface Application {
  /** Changes the API of requests that name none. At first it is the one with the style `phantom`. */
  setDefaultApi(style: Style): Promise<void>;
  /** Signs the user in, with new browsers. */
  signIn(): Promise<Known>;
  /** Asks the application for JSON, as its user. */
  ask(path: string): Promise<Record<string, unknown>>;
  /** Lets the application call an API with its access token. @returns the status of the API's answer */
  callApi(style: Style): Promise<unknown>;
  /** Signs out at the application and at the authorization server. @returns the URL that the user is sent to */
  signOut(): Promise<string>;
  /** Starts an authorization with `prompt=none` in the user's browser. @returns the authorization response */
  authorizeSilently(): Promise<URL>;
  stop(): Promise<void>;
}

/** Registers the client and starts its application. */
export async function startApplication(world: OneProcess, client: RealClient): Promise<Application> {
  const id = client.program.replace(/\.\w+$/, '');
  let entry: ClientEntry;
  const program = await startProgram(id, async (_folder, port) => {
    entry = entryOf(id, client, `http://localhost:${port}`);
    await world.tallystick.clients.put(entry);
    return {
      ...commandOf(client.program),
      environment: {
        ISSUER: world.issuer,
        PORT: String(port),
        CLIENT_ID: id,
        CLIENT_SECRET: `${id}-secret`,
        ...(client.pkce && { PKCE: 'S256' }),
      },
      stopWith: 'SIGTERM',
    };
  });
  const origin = program.url.replace('127.0.0.1', 'localhost');
  let atServer = createBrowser(world);
  let atApplication = createBrowser({ issuer: origin });

  async function ask(path: string) {
    const { status, text } = await open(atApplication, path, undefined, HEADERS).redirects(3);
    if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  }

  /** Brings the authorization response to the application, as a link or as a form. */
  async function answerOf(response: URL | string) {
    if (typeof response === 'string') {
      world.log.secret(/name="id_token" value="([^"]+)"/.exec(response)?.[1]);
      return submit(atApplication, response);
    }
    world.log.secret(response.searchParams.get('code'));
    return open(atApplication, response, undefined, HEADERS);
  }

  return {
    async setDefaultApi(style) {
      await world.tallystick.clients.put({ ...entry, defaultApi: resourceOf(style) });
    },
    async signIn() {
      atServer = createBrowser(world);
      atApplication = createBrowser({ issuer: origin });
      const { status, headers, text } = await startSignIn(atApplication, client);
      if (headers.location === undefined) throw new Error(`${status} ${text}`);
      const challenged = new URL(headers.location).searchParams.has('code_challenge');
      if (client.pkce && !challenged) throw new Error(`no code_challenge: ${headers.location}`);
      const response = await follow(world, atServer, await open(atServer, headers.location));
      const answer = await answerOf(response);
      if (answer.status >= 400) throw new Error(`${response}: ${answer.status} ${answer.text}`);
      const known = (await ask('/me')) as unknown as Known;
      world.log.secret(known.accessToken);
      return known;
    },
    ask,
    async callApi(style) {
      return (await ask(`/call?url=${encodeURIComponent(`${world.gateways[0]}/${style}/hello`)}`)).status;
    },
    async signOut() {
      let url = new URL('/logout', origin);
      while (url.origin === origin) {
        const { headers } = await open(atApplication, url, undefined, HEADERS);
        url = new URL(String(headers.location), origin);
      }
      const question = await open(atServer, url);
      const answer = await submit(atServer, question.text, { logout: 'yes' });
      return String(answer.headers.location);
    },
    async authorizeSilently() {
      const query = new URLSearchParams({
        client_id: id,
        redirect_uri: String(entry.redirectUris?.[0]),
        response_type: 'code',
        scope: 'openid',
        prompt: 'none',
      });
      const { headers } = await open(atServer, `/auth?${query}`);
      return new URL(String(headers.location));
    },
    async stop() {
      await program.stop();
      await world.tallystick.clients.remove(id);
    },
  };
}

function entryOf(id: string, { callback = '/callback', implicit = false }: RealClient, origin: string): ClientEntry {
  return {
    id,
    secret: `${id}-secret`,
    grants: implicit ? ['implicit'] : ['authorization_code', 'refresh_token'],
    redirectUris: [origin + callback],
    postLogoutRedirectUris: [origin, `${origin}/`],
    defaultApi: resourceOf('phantom'),
  };
}

function commandOf(program: string) {
  const file = fileURLToPath(new URL(`applications/${program}`, import.meta.url));
  return { command: program.endsWith('.py') ? String(process.env.AUTHLIB) : process.execPath, args: [file] };
}

/** Auth.js starts a sign-in with a form, against forged requests. */
async function startSignIn(browser: Browser, { login = '/login' }: RealClient) {
  if (login === '/login') return open(browser, login, undefined, HEADERS);
  const { csrfToken } = (await open(browser, '/auth/csrf')).body as { csrfToken: string };
  return open(browser, login, { csrfToken });
}

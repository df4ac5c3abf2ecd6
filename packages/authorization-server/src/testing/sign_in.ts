import {
  type Browser,
  discover,
  open,
  REDIRECT_URI,
  signIn as signInAt,
  type Tokens,
} from '@tallystick/testing/sign_in';
import { resourceOf, type TestServer } from './test_server.ts';

/** The URL that a client sends a browser to. @param more further parameters of the authorization request */
export function authorizationUrl(
  { issuer }: Pick<TestServer, 'issuer'>,
  style: string,
  more: Readonly<Record<string, string>> = {},
): string {
  const query = new URLSearchParams({
    client_id: 'web',
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    scope: 'openid read',
    resource: resourceOf(style),
    code_challenge: 'x'.repeat(43),
    code_challenge_method: 'S256',
    ...more,
  });
  return `${issuer}/auth?${query}`;
}

/** Opens the login page. @returns its URL */
export async function openLogin(served: Pick<TestServer, 'issuer'>, browser: Browser, style: string): Promise<string> {
  const { headers } = await open(browser, authorizationUrl(served, style));
  const page = new URL(String(headers.location), served.issuer).href;
  await open(browser, page);
  return page;
}

/** Signs a user in at the client `web` and consents. @param login fields of the login page */
export async function signIn(
  served: TestServer,
  style: string,
  login?: Readonly<Record<string, string>>,
): Promise<Tokens> {
  const client = await discover(served, 'web');
  return (await signInAt(served, { client, login, scope: 'openid read', parameters: { resource: resourceOf(style) } }))
    .tokens;
}

/** Signs a user in at the client `ci`, which shows no login page. @throws {Error} it shows one */
export async function signInAutomatically(
  served: TestServer,
  style: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Tokens> {
  const client = await discover(served, 'ci');
  const parameters = { resource: resourceOf(style), ...more };
  return (await signInAt(served, { client, login: { user: '' }, scope: 'openid read', parameters })).tokens;
}

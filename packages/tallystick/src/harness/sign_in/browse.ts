import { textOfHtml, unescapeHtml } from '@tallystick/common/page';
import { SignInError } from './sign_in_error.ts';

/** Steps after which a sign-in is not expected to end any more. */
const MAX_STEPS = 15;

export interface Browsing {
  readonly fetch: typeof globalThis.fetch;
  /** What the user enters on the login page. */
  readonly login: Readonly<Record<string, string>>;
  /** URI at which the client waits. */
  readonly redirectUri: string;
}

/**
 * Acts as the browser of a user: follows redirects, signs in and consents.
 *
 * @returns the URL at which the browser comes back to the client
 * @throws {SignInError} the authorization server shows an error page, or asks for something else
 */
export async function browse(start: URL, { fetch, login, redirectUri }: Browsing): Promise<URL> {
  const cookies = new Map<string, string>();
  let url = start;
  let form: URLSearchParams | undefined;
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const answer = await fetch(url, {
      method: form ? 'POST' : 'GET',
      ...(form && { body: form }),
      headers: { Accept: 'text/html', Cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      redirect: 'manual',
    });
    keepCookies(cookies, answer.headers);
    const location = answer.headers.get('location');
    const page = await answer.text();
    if (location !== null) {
      url = new URL(location, url);
      form = undefined;
      if (isAt(url, redirectUri)) return url;
    } else {
      const next = readForm(page);
      if (!answer.ok || next === undefined) throw new SignInError('server_error', describePage(answer.status, page));
      url = new URL(next.action, url);
      form = new URLSearchParams({ ...next.hidden, ...(next.action.endsWith('/login') ? login : {}) });
    }
  }
  throw new SignInError('server_error', `the sign-in did not end within ${MAX_STEPS} steps`);
}

function keepCookies(cookies: Map<string, string>, headers: Headers): void {
  for (const cookie of headers.getSetCookie()) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
    if (value === '') cookies.delete(name);
    else cookies.set(name, value);
  }
}

function isAt(url: URL, redirectUri: string): boolean {
  const expected = new URL(redirectUri);
  return url.origin === expected.origin && url.protocol === expected.protocol && url.pathname === expected.pathname;
}

/** The form to sign in or to consent. Other forms of these pages cancel. */
function readForm(page: string) {
  const [, action, content = ''] =
    /<form[^>]* action="([^"]+\/(?:login|consent))"[^>]*>(.*?)<\/form>/s.exec(page) ?? [];
  if (action === undefined) return undefined;
  const hidden = [...content.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)];
  return {
    action: unescapeHtml(action),
    hidden: Object.fromEntries(hidden.map(([, name = '', value = '']) => [name, unescapeHtml(value)])),
  };
}

/** The text of a page, for an error. */
function describePage(status: number, page: string): string {
  const [, main = page] = /<main[^>]*>(.*)<\/main>/s.exec(page) ?? [];
  return `the authorization server answered with status ${status}: ${textOfHtml(main).slice(0, 300)}`;
}

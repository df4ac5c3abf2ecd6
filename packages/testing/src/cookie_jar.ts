/** The cookies of one host, with the limits of a browser. */
export interface CookieJar {
  /** Cookies by name. */
  readonly cookies: Map<string, string>;
  /** The `Cookie` header. */
  header(): string;
  /** Stores the cookies of a response, except those longer than 4096 characters, which browsers ignore. */
  keep(response: Response): void;
}

/** @param initial cookies by name, which are copied */
export function createCookieJar(initial?: ReadonlyMap<string, string>): CookieJar {
  const cookies = new Map(initial);
  return {
    cookies,
    header: () => cookieHeader(cookies),
    keep(response) {
      for (const cookie of response.headers.getSetCookie()) {
        if (cookie.length > 4096) continue;
        const [pair = ''] = cookie.split(';');
        const name = pair.slice(0, pair.indexOf('='));
        if (/;\s*max-age=0\s*(;|$)/i.test(cookie)) cookies.delete(name);
        else cookies.set(name, pair.slice(name.length + 1));
      }
    },
  };
}

/** The `Cookie` header with these cookies. */
export function cookieHeader(cookies: ReadonlyMap<string, string>): string {
  return [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
}

/** The `Cookie` header of a browser that got only this response. */
export function cookiesSetBy(response: Response): string {
  const jar = createCookieJar();
  jar.keep(response);
  return jar.header();
}

/** The cookies of one host, with the limits of a browser. */
export interface CookieJar {
  readonly cookies: Map<string, string>;
  /** The `Cookie` header. */
  header(): string;
  /** Stores the cookies of a response, except those longer than 4096 characters, which browsers ignore. */
  keep(response: Response): void;
}

export function createCookieJar(): CookieJar {
  const cookies = new Map<string, string>();
  return {
    cookies,
    header: () => [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
    keep(response) {
      for (const cookie of response.headers.getSetCookie()) {
        if (cookie.length > 4096) continue;
        const [pair = ''] = cookie.split(';');
        const name = pair.slice(0, pair.indexOf('='));
        if (cookie.includes('Max-Age=0;')) cookies.delete(name);
        else cookies.set(name, pair.slice(name.length + 1));
      }
    },
  };
}

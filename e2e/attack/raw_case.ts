/** A request as bytes, and what must come of it. */
export interface RawCase {
  readonly name: string;
  /** As latin1. `{path}` stands for the API's prefix, `{token}` for the client-held token. */
  readonly bytes: string;
  /** A pattern for the final statuses that the client reads on its connection, with a space between them. */
  readonly answers: string;
  /** How many requests the API gets: never two. What is broken off may have reached it before. */
  readonly reaches: 0 | 1 | '0 or 1';
  /** A style for which it is another matter, and why. */
  readonly exceptFor?: 'opaque';
  /** The body that the API gets, where it matters. */
  readonly body?: string;
}

export const authorization = 'Authorization: Bearer {token}';

/** What is a request of its own if the gateway and the API do not agree on where a body ends. */
export const hidden = 'GET /hidden HTTP/1.1\r\nHost: a.localhost\r\n\r\n';

/** A head of whole lines, with the empty line at its end. */
export const head = (...lines: string[]) => `${lines.join('\r\n')}\r\n\r\n`;

export const get = (target: string, ...headers: string[]) =>
  head(`GET ${target} HTTP/1.1`, 'Host: gateway.localhost', authorization, ...headers);

/** A GET of the API. */
export const getApi = (...headers: string[]) => get('{path}/a', ...headers);

export const post = (headers: readonly string[], body: string) =>
  head('POST {path}/a HTTP/1.1', 'Host: gateway.localhost', authorization, ...headers) + body;

export const chunked = (body: string) => post(['Transfer-Encoding: chunked'], body);

/** The request is one, and the API gets it. */
export const passes = (name: string, bytes: string, body?: string): RawCase => ({
  name,
  bytes,
  answers: '200',
  reaches: 1,
  ...(body !== undefined && { body }),
});

/** The API gets nothing that is a request. */
export const refused = (name: string, bytes: string, answers = '400'): RawCase => ({
  name,
  bytes,
  answers,
  reaches: 0,
});

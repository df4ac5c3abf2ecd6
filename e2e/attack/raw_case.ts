/** A request as bytes, and the expected outcome. */
export interface RawCase {
  readonly name: string;
  /** As latin1. `{path}` stands for the API's prefix, `{token}` for the client-held token. */
  readonly bytes: string;
  /** Pattern of the final statuses that the client reads on its connection, separated by spaces. */
  readonly answers: string;
  /** Number of requests that the API gets: never two. An aborted request may have reached the API before. */
  readonly reaches: 0 | 1 | '0 or 1';
  /** A style to which the case does not apply. */
  readonly exceptFor?: 'opaque';
  /** The body that the API must get. */
  readonly body?: string;
}

export const authorization = 'Authorization: Bearer {token}';

/** A second request, if the gateway and the API disagree on where a body ends. */
export const hidden = 'GET /hidden HTTP/1.1\r\nHost: a.localhost\r\n\r\n';

/** A head of complete lines, with the empty line at the end. */
export const head = (...lines: string[]) => `${lines.join('\r\n')}\r\n\r\n`;

export const get = (target: string, ...headers: string[]) =>
  head(`GET ${target} HTTP/1.1`, 'Host: gateway.localhost', authorization, ...headers);

/** A GET request to the API. */
export const getApi = (...headers: string[]) => get('{path}/a', ...headers);

export const post = (headers: readonly string[], body: string) =>
  head('POST {path}/a HTTP/1.1', 'Host: gateway.localhost', authorization, ...headers) + body;

export const chunked = (body: string) => post(['Transfer-Encoding: chunked'], body);

/** The gateway forwards exactly one request to the API. */
export const passes = (name: string, bytes: string, body?: string): RawCase => ({
  name,
  bytes,
  answers: '200',
  reaches: 1,
  ...(body !== undefined && { body }),
});

/** The gateway refuses the request, and the API gets none. */
export const refused = (name: string, bytes: string, answers = '400'): RawCase => ({
  name,
  bytes,
  answers,
  reaches: 0,
});

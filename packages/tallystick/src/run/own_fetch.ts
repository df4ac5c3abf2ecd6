import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

/** A `fetch` whose connections end with their owner. */
export interface OwnFetch {
  readonly fetch: typeof globalThis.fetch;
  /** Closes all connections. */
  close(): void;
}

const MAX_REDIRECTS = 20;
/** Fetch Standard, null body status. */
const WITHOUT_BODY = [101, 204, 205, 304];
const REDIRECTS = [301, 302, 303, 307, 308];

/**
 * Creates a `fetch` for servers of this process on plain HTTP. The global one keeps some memory for each origin as long as the process
 * lives, and every instance in a test has origins of its own. Other calls use the global one.
 */
export function createOwnFetch(): OwnFetch {
  const agent = new Agent({ keepAlive: true });
  return {
    async fetch(input, init) {
      const isOwn = !(input instanceof Request) && /^http:/i.test(String(input));
      if (!isOwn || (init !== undefined && 'dispatcher' in init)) return globalThis.fetch(input, init);
      return follow(new Request(input, init), agent);
    },
    close: () => agent.destroy(),
  };
}

async function follow(first: Request, agent: Agent): Promise<Response> {
  let request = first;
  let body = request.body === null ? undefined : Buffer.from(await request.arrayBuffer());
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const answer = await send(request, body, agent);
    const { statusCode: status = 0, headers } = answer;
    if (!REDIRECTS.includes(status) || headers.location === undefined || request.redirect === 'manual')
      return toResponse(answer, request, redirects > 0);
    answer.resume();
    if (request.redirect === 'error') throw new TypeError('fetch failed: unexpected redirect');
    const becomesGet = status === 303 || (status < 303 && request.method === 'POST');
    if (becomesGet) body = undefined;
    request = redirected(request, new URL(headers.location, request.url), becomesGet);
  }
  throw new TypeError('fetch failed: redirect count exceeded');
}

function redirected({ url, method, headers, signal }: Request, to: URL, becomesGet: boolean): Request {
  const kept = new Headers(headers);
  if (becomesGet) kept.delete('content-type');
  if (new URL(url).origin !== to.origin) for (const name of ['authorization', 'cookie']) kept.delete(name);
  return new Request(to, { method: becomesGet ? 'GET' : method, headers: kept, signal });
}

function send({ url, method, headers, signal }: Request, body: Buffer | undefined, agent: Agent) {
  const { hostname, port, pathname, search } = new URL(url);
  return new Promise<IncomingMessage>((resolve, reject) => {
    const options = {
      ...{ agent, method, signal, port, path: pathname + search },
      hostname: hostname.replace(/^\[(.*)\]$/, '$1'),
      headers: { accept: '*/*', ...Object.fromEntries(headers), ...(body && { 'content-length': body.length }) },
    };
    const outgoing = httpRequest(options, resolve);
    outgoing.once('error', (cause) =>
      reject(signal.aborted ? signal.reason : new TypeError('fetch failed', { cause })),
    );
    outgoing.end(body);
  });
}

function toResponse(answer: IncomingMessage, { url, method }: Request, isRedirected: boolean): Response {
  const { statusCode: status = 0, statusMessage: statusText = '', rawHeaders } = answer;
  const headers = new Headers();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    headers.append(String(rawHeaders[index]), String(rawHeaders[index + 1]));
  const hasBody = method !== 'HEAD' && !WITHOUT_BODY.includes(status);
  if (!hasBody) answer.resume();
  const response = new Response(hasBody ? (Readable.toWeb(answer) as ReadableStream) : null, {
    ...{ status, statusText, headers },
  });
  return Object.defineProperties(response, { url: { value: url }, redirected: { value: isRedirected } });
}

import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/**
 * An API in the process of the test: an application of Express, Koa, Fastify or Hono, a request listener, or a server. It needs no
 * port.
 */
export type UpstreamApp = RequestListener | KoaApp | FastifyApp | FetchApp | Server;

interface KoaApp {
  callback(): (request: IncomingMessage, response: ServerResponse) => unknown;
}

interface FastifyApp {
  ready(): PromiseLike<unknown>;
  routing(request: IncomingMessage, response: ServerResponse): void;
}

/** An application for the Fetch API, such as one of Hono. */
interface FetchApp {
  fetch(request: Request): Response | Promise<Response>;
}

/** Whether a value can serve requests. */
export function isApp(value: unknown): value is UpstreamApp {
  if (typeof value === 'function') return true;
  if (typeof value !== 'object' || value === null) return false;
  return isServer(value) || isFastify(value) || hasMethod(value, 'callback') || hasMethod(value, 'fetch');
}

/** The handler of an application, when it is ready. */
export async function listenerOf(app: UpstreamApp): Promise<RequestListener> {
  if (typeof app === 'function') return app;
  if (isServer(app)) return (request, response) => void app.emit('request', request, response);
  if (isFastify(app)) {
    await app.ready();
    return (request, response) => app.routing(request, response);
  }
  if ('callback' in app) return app.callback() as RequestListener;
  return listenerOfFetch(app);
}

/** Whether it is a server of Node.js, which can have handlers for WebSockets too. */
export function isServer(app: object): app is Server {
  return hasMethod(app, 'emit') && hasMethod(app, 'closeAllConnections');
}

function isFastify(app: object): app is FastifyApp {
  return hasMethod(app, 'ready') && hasMethod(app, 'routing');
}

function hasMethod(value: object, name: string): boolean {
  return typeof Reflect.get(value, name) === 'function';
}

function listenerOfFetch(app: FetchApp): RequestListener {
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, headers, body } = await app.fetch(toFetchRequest(request));
    response.statusCode = status;
    for (const [name, value] of headers) if (name !== 'set-cookie') response.setHeader(name, value);
    const cookies = headers.getSetCookie();
    if (cookies.length > 0) response.setHeader('set-cookie', cookies);
    if (body === null) response.end();
    else await pipeline(Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]), response);
  }

  return (request, response) => {
    answer(request, response).catch(() => {
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end();
    });
  };
}

function toFetchRequest(request: IncomingMessage): Request {
  const { method = 'GET', url = '/', headersDistinct } = request;
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(headersDistinct))
    for (const value of values) headers.append(name, value);
  const hasBody = method !== 'GET' && method !== 'HEAD';
  const init = { method, headers, ...(hasBody && { body: Readable.toWeb(request), duplex: 'half' }) };
  return new Request(`http://${request.headers.host ?? 'localhost'}${url}`, init as RequestInit);
}

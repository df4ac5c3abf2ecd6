import type { IncomingMessage, ServerResponse } from 'node:http';
import { answer, answerRefusal } from './answer.ts';
import { isPreflight } from './cors.ts';
import { RequestError } from './errors.ts';
import type { FindUnready } from './readiness.ts';

const json = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' };

/** RFC 9728 section 3.2. Any web page may read metadata and keys: they are public, and a client in a browser starts with them. */
const published = {
  'Content-Type': 'application/json',
  'Cache-Control': 'public, max-age=300',
  'Access-Control-Allow-Origin': '*',
};

/** MCP clients send `MCP-Protocol-Version`, which a browser asks about first. */
const publishedPreflight = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'GET, HEAD',
  'Access-Control-Allow-Headers': '*',
  'Access-Control-Max-Age': '600',
};

export interface OwnPagesDependencies {
  /** JSON text by request target, or by host and request target: metadata of APIs, the keys of JWTs that the gateway makes. */
  readonly documents: ReadonlyMap<string, string>;
  readonly findUnready: FindUnready;
}

/**
 * Answers requests for what the gateway itself serves: `/healthz`, `/readyz`, and what it publishes.
 *
 * @returns whether the request was one
 */
export type ServeOwnPage = (request: IncomingMessage, response: ServerResponse) => boolean;

export function createOwnPages({ documents, findUnready }: OwnPagesDependencies): ServeOwnPage {
  async function answerReadiness(response: ServerResponse): Promise<void> {
    const unready = await findUnready();
    if (unready.length === 0) answer(response, 200, json, '{"status":"ready"}');
    else answer(response, 503, { ...json, 'Retry-After': '1' }, JSON.stringify({ status: 'not ready', unready }));
  }

  /** The port makes no difference to a route either. */
  function ofHost({ url = '', headers }: IncomingMessage): string | undefined {
    if (!url.startsWith('/.well-known/')) return undefined;
    return documents.get(`${headers.host?.toLowerCase().replace(/\.?(?::\d*)?$/, '')}${url}`);
  }

  return (request, response) => {
    const { url = '', method } = request;
    const document = documents.get(url) ?? ofHost(request);
    if (document === undefined && url !== '/healthz' && url !== '/readyz') return false;

    if (document !== undefined && isPreflight(request)) {
      answer(response, 204, publishedPreflight, '');
    } else if (method !== 'GET' && method !== 'HEAD') {
      answerRefusal(response, new RequestError('method_not_allowed', 'this page is served to GET and HEAD only'));
    } else if (document !== undefined) {
      answer(response, 200, published, document);
    } else if (url === '/healthz') {
      answer(response, 200, json, '{"status":"ok"}');
    } else {
      void answerReadiness(response);
    }
    return true;
  };
}

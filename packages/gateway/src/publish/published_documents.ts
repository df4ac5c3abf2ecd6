import type { IncomingMessage, ServerResponse } from 'node:http';
import { answer, answerRefusal } from '../http/answer.ts';
import { isPreflight } from '../http/cors.ts';
import { RequestError } from '../http/errors.ts';

/** RFC 9728 section 3.2. Metadata and keys are public, and clients in browsers need them, so any web page may read them. */
const published = {
  'Content-Type': 'application/json',
  'Cache-Control': 'public, max-age=300',
  'Access-Control-Allow-Origin': '*',
};

/** MCP clients send `MCP-Protocol-Version`, for which a browser sends a preflight request. */
const publishedPreflight = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'GET, HEAD',
  'Access-Control-Allow-Headers': '*',
  'Access-Control-Max-Age': '600',
};

/**
 * Serves the documents that the gateway publishes.
 *
 * @returns whether the request was for one of them
 */
export type ServePublished = (request: IncomingMessage, response: ServerResponse) => boolean;

/** @param documents JSON text by request target, or by host and request target: metadata of APIs, keys of the gateway's own JWTs */
export function createServePublished(documents: ReadonlyMap<string, string>): ServePublished {
  /** The port is ignored, as in routes. */
  function findByHost({ url = '', headers }: IncomingMessage): string | undefined {
    if (!url.startsWith('/.well-known/')) return undefined;
    return documents.get(`${headers.host?.toLowerCase().replace(/\.?(?::\d*)?$/, '')}${url}`);
  }

  return (request, response) => {
    const { url = '', method } = request;
    const document = documents.get(url) ?? findByHost(request);
    if (document === undefined) return false;

    if (isPreflight(request)) {
      answer(response, 204, publishedPreflight, '');
    } else if (method !== 'GET' && method !== 'HEAD') {
      answerRefusal(response, new RequestError('method_not_allowed', 'this resource supports GET and HEAD only'));
    } else {
      answer(response, 200, published, document);
    }
    return true;
  };
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { answer, answerRefusal } from '../http/answer.ts';
import { isPreflight } from '../http/cors.ts';
import { RequestError } from '../http/errors.ts';

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
}

/**
 * Answers requests for what the gateway itself publishes.
 *
 * @returns whether the request was one
 */
export type ServeOwnPage = (request: IncomingMessage, response: ServerResponse) => boolean;

export function createOwnPages({ documents }: OwnPagesDependencies): ServeOwnPage {
  /** The port makes no difference to a route either. */
  function ofHost({ url = '', headers }: IncomingMessage): string | undefined {
    if (!url.startsWith('/.well-known/')) return undefined;
    return documents.get(`${headers.host?.toLowerCase().replace(/\.?(?::\d*)?$/, '')}${url}`);
  }

  return (request, response) => {
    const { url = '', method } = request;
    const document = documents.get(url) ?? ofHost(request);
    if (document === undefined) return false;

    if (isPreflight(request)) {
      answer(response, 204, publishedPreflight, '');
    } else if (method !== 'GET' && method !== 'HEAD') {
      answerRefusal(response, new RequestError('method_not_allowed', 'this page is served to GET and HEAD only'));
    } else {
      answer(response, 200, published, document);
    }
    return true;
  };
}

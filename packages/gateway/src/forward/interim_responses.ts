import type { ClientRequest, InformationEvent, ServerResponse } from 'node:http';

/** For one request. A real API sends one or two; more would be a flood of what costs the API nothing. */
const mostPassed = 32;

/**
 * Passes on what an upstream says before its response (RFC 9110 section 15.2): that it is at work (102), and which resources the
 * client may fetch already (103, RFC 8297). Of the headers of a 103 only `Link` means anything yet.
 */
export function passInterimResponses(upstreamRequest: ClientRequest, response: ServerResponse): void {
  // A client of HTTP/1.0 does not know them.
  if (response.req.httpVersion !== '1.1') return;
  let passed = 0;
  upstreamRequest.on('information', ({ statusCode, headers }: InformationEvent) => {
    // One that the client is too slow for is dropped: nothing waits for it, and it must not pile up here.
    if (response.headersSent || response.destroyed || passed === mostPassed || response.socket?.writableNeedDrain)
      return;
    passed += 1;
    if (statusCode === 102) response.writeProcessing();
    if (statusCode === 103 && headers.link !== undefined) writeEarlyHints(response, headers.link);
  });
}

/** Node.js throws for links that it does not understand. A hint may be lost; it is not worth a response. */
function writeEarlyHints(response: ServerResponse, link: string | string[]): void {
  try {
    response.writeEarlyHints({ link });
  } catch {
    // As if there had been none.
  }
}

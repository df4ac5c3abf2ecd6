import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Fault } from './faults.ts';

type Alteration = Pick<Fault, 'body' | 'contentType'>;

/** Answers with a status, without carrying out the request. */
export function answerWithStatus(response: ServerResponse, status: number, alteration: Alteration): void {
  const error = status === 503 ? 'temporarily_unavailable' : status >= 500 ? 'server_error' : 'invalid_request';
  const body = JSON.stringify({ error, error_description: 'a fault injected by the control API' });
  response.statusCode = status;
  response.setHeader('Content-Type', 'application/json');
  alterResponse(response, alteration);
  response.end(status === 204 || status === 304 ? undefined : body);
}

/** Alters the answer that the handler makes, before it is sent. */
export function alterResponse(response: ServerResponse, { body, contentType }: Alteration): void {
  changeBody(response, (whole) => {
    const sent = body === 'malformed' ? firstHalf(whole) : whole;
    if (response.statusCode === 204 && sent.length > 0) response.statusCode = 200;
    if (contentType !== undefined) response.setHeader('Content-Type', contentType);
    return sent;
  });
}

/** Changes the body that the handler sends. @param change is called with the whole body, before the head is sent */
export function changeBody(response: ServerResponse, change: (body: Buffer) => Buffer): void {
  const { writeHead } = response;
  const end = response.end.bind(response) as (chunk?: Buffer) => ServerResponse;
  const chunks: Buffer[] = [];
  const addChunk = (chunk: unknown) => {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk as string));
  };
  // The head is held back until `end`: once sent, it could not be altered.
  response.writeHead = ((status: number, ...more: (string | OutgoingHttpHeaders)[]) => {
    response.statusCode = status;
    const headers = more.at(-1);
    if (typeof headers === 'object') {
      for (const [name, value = ''] of Object.entries(headers)) response.setHeader(name, value);
    }
    return response;
  }) as typeof response.writeHead;
  response.write = ((chunk: unknown) => {
    addChunk(chunk);
    return true;
  }) as typeof response.write;
  response.end = ((chunk?: unknown) => {
    addChunk(chunk);
    const sent = change(Buffer.concat(chunks));
    response.setHeader('Content-Length', sent.length);
    response.writeHead = writeHead;
    return end(sent);
  }) as typeof response.end;
}

/** Half of a JSON document or JWT is not valid. An empty body becomes the start of a JSON object, which is not valid either. */
function firstHalf(body: Buffer): Buffer {
  return body.length === 0 ? Buffer.from('{"') : body.subarray(0, Math.ceil(body.length / 2));
}

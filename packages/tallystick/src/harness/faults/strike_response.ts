import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Fault } from './schemas.ts';

type Alteration = Pick<Fault, 'body' | 'contentType'>;

/** Answers with a status instead of what was asked for. */
export function answerWithStatus(response: ServerResponse, status: number, alteration: Alteration): void {
  const error = status === 503 ? 'temporarily_unavailable' : status >= 500 ? 'server_error' : 'invalid_request';
  const body = JSON.stringify({ error, error_description: 'a fault of the control API' });
  response.statusCode = status;
  response.setHeader('Content-Type', 'application/json');
  alterResponse(response, alteration);
  response.end(status === 204 || status === 304 ? undefined : body);
}

/** Lets the answer be made as ever, and alters it before it leaves. */
export function alterResponse(response: ServerResponse, { body, contentType }: Alteration): void {
  const { writeHead } = response;
  const end = response.end.bind(response) as (chunk?: Buffer) => ServerResponse;
  const chunks: Buffer[] = [];
  const collect = (chunk: unknown) => {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk as string));
  };
  // A head that was sent could not be altered any more.
  response.writeHead = ((status: number, ...more: (string | OutgoingHttpHeaders)[]) => {
    response.statusCode = status;
    const headers = more.at(-1);
    if (typeof headers === 'object') {
      for (const [name, value = ''] of Object.entries(headers)) response.setHeader(name, value);
    }
    return response;
  }) as typeof response.writeHead;
  response.write = ((chunk: unknown) => {
    collect(chunk);
    return true;
  }) as typeof response.write;
  response.end = ((chunk?: unknown) => {
    collect(chunk);
    const whole = Buffer.concat(chunks);
    const sent = body === 'malformed' ? firstHalf(whole) : whole;
    if (response.statusCode === 204 && sent.length > 0) response.statusCode = 200;
    if (contentType !== undefined) response.setHeader('Content-Type', contentType);
    response.setHeader('Content-Length', sent.length);
    response.writeHead = writeHead;
    return end(sent);
  }) as typeof response.end;
}

/** Half a JSON document or JWT is none. Nor is this, where there was no body at all. */
function firstHalf(body: Buffer): Buffer {
  return body.length === 0 ? Buffer.from('{"') : body.subarray(0, Math.ceil(body.length / 2));
}

import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { clientOf, type Endpoint, endpointSchema } from './identify_request.ts';
import { parametersOf } from './parameters.ts';

const values = z.record(z.string(), z.union([z.string(), z.array(z.string())]));

const SERVERS = ['authorization-server', 'gateway', 'upstream'] as const;
export const serverSchema = z.enum(SERVERS);
export type RecordingServer = z.output<typeof serverSchema>;

export const recordedRequestSchema = z.object({
  time: z.iso.datetime().describe('Time of arrival, by the clock of this Tallystick.'),
  server: serverSchema.describe('The server that was asked. `upstream` is the API behind the gateway.'),
  endpoint: endpointSchema.optional().describe('At the authorization server.'),
  api: z.string().optional().describe('Resource indicator, for a call of an API.'),
  clientId: z.string().optional().describe('The client that the request names.'),
  method: z.string(),
  path: z.string(),
  query: values,
  headers: values,
  form: values
    .optional()
    .describe('The parameters in the body at the authorization server. A permissive issuer takes them as JSON too.'),
  body: z.string().optional().describe('The body of a call of an API, as text: at most 64 KiB, and only with secrets.'),
  status: z.int().optional().describe('Status of the answer. Absent if the connection closed before it.'),
});

/** A request that a server answered. */
export type RecordedRequest = z.output<typeof recordedRequestSchema>;
export type Values = z.output<typeof values>;

/** Values by name; a name with several values gets a list. The names come from a client, so the object has no prototype. */
export function valuesOf(entries: Iterable<readonly [string, string]>): Values {
  const collected: Values = Object.create(null);
  for (const [name, value] of entries) {
    const before = collected[name];
    if (before === undefined) collected[name] = value;
    else if (typeof before === 'string') collected[name] = [before, value];
    else before.push(value);
  }
  return collected;
}

/**
 * A request as it was received. It is parsed only when it is read: most requests are never read, and parsing one costs more than
 * answering it.
 */
export interface RawRequest {
  readonly server: RecordingServer;
  readonly endpoint?: Endpoint | undefined;
  readonly api?: string | undefined;
  readonly method: string;
  /** The whole request target, query included. */
  readonly target: string;
  /** Alternating names and values, as in Node.js. */
  readonly rawHeaders: readonly string[];
  /** Epoch milliseconds. */
  readonly time: number;
  readonly body: Buffer | undefined;
  /** Absent if the connection closed before the answer. */
  readonly status: number | undefined;
}

/** Copies the values that are recorded, so that the connection itself can be garbage-collected. */
export function rawRequest(
  { method = '', url = '', rawHeaders }: Pick<IncomingMessage, 'method' | 'url' | 'rawHeaders'>,
  at: Pick<RawRequest, 'server' | 'endpoint' | 'api' | 'time'>,
): Omit<RawRequest, 'body' | 'status'> {
  return { ...at, method, target: url, rawHeaders };
}

/** Approximate size in bytes. */
export function sizeOf({ target, rawHeaders, body }: RawRequest): number {
  return rawHeaders.reduce((size, text) => size + text.length, target.length + (body?.length ?? 0));
}

/** Parses a request. Nothing is redacted yet. */
export function parseRequest(request: RawRequest): RecordedRequest {
  const { server, endpoint, api, method, target, rawHeaders, time, body, status } = request;
  const [path = '', query = ''] = target.split('?', 2);
  const headers = valuesOf(headerEntries(rawHeaders));
  const contentType = firstOf(headers['content-type']);
  const form = server === 'authorization-server' ? parametersOf({ method, contentType, endpoint }, body) : undefined;
  const clientId =
    server !== 'authorization-server'
      ? undefined
      : clientOf({ headers: { authorization: firstOf(headers.authorization) }, url: target }, form);
  return {
    server,
    ...(endpoint !== undefined && { endpoint }),
    ...(api !== undefined && { api }),
    ...(clientId !== undefined && { clientId }),
    method,
    path,
    query: valuesOf(new URLSearchParams(query)),
    headers,
    ...(form && { form: valuesOf(form) }),
    ...(server === 'upstream' && body !== undefined && { body: body.toString() }),
    time: new Date(time).toISOString(),
    ...(status !== undefined && { status }),
  };
}

function* headerEntries(rawHeaders: readonly string[]): Generator<readonly [string, string]> {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    yield [(rawHeaders[index] ?? '').toLowerCase(), rawHeaders[index + 1] ?? ''];
  }
}

function firstOf(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'object' ? value[0] : value;
}

import type { IncomingMessage } from 'node:http';
import { mediaTypeOf } from '@tallystick/common';
import { clientOf } from '../faults/client_of.ts';
import type { Endpoint } from '../faults/endpoint.ts';
import { type RecordedRequest, valuesOf } from './recorded_request.ts';

/**
 * A request as it came. It is kept so until somebody reads it: nobody reads most requests, and to take one apart costs more than
 * to answer it.
 */
export interface KeptRequest {
  readonly endpoint: Endpoint;
  readonly method: string;
  /** Whole, query included. */
  readonly target: string;
  /** Names and values by turns, as Node.js has them. */
  readonly rawHeaders: readonly string[];
  /** Epoch milliseconds. */
  readonly time: number;
  readonly body: Buffer | undefined;
  /** Absent when the connection was cut before there was one. */
  readonly status: number | undefined;
}

/** Takes hold of what is of interest of a request, and so not of its connection. */
export function keptRequest(
  { method = '', url = '', rawHeaders }: Pick<IncomingMessage, 'method' | 'url' | 'rawHeaders'>,
  endpoint: Endpoint,
  time: number,
): Omit<KeptRequest, 'body' | 'status'> {
  return { endpoint, method, target: url, rawHeaders, time };
}

/** Bytes that it takes, about. */
export function sizeOf({ target, rawHeaders, body }: KeptRequest): number {
  return rawHeaders.reduce((size, text) => size + text.length, target.length + (body?.length ?? 0));
}

/** Takes it apart. Nothing is redacted yet. */
export function readKept({ endpoint, method, target, rawHeaders, time, body, status }: KeptRequest): RecordedRequest {
  const [path = '', query = ''] = target.split('?', 2);
  const headers = valuesOf(headerEntries(rawHeaders));
  const form = formOf(method, headers, body);
  const clientId = clientOf({ headers: { authorization: firstOf(headers.authorization) }, url: target }, form);
  return {
    endpoint,
    ...(clientId !== undefined && { clientId }),
    method,
    path,
    query: valuesOf(new URLSearchParams(query)),
    headers,
    ...(form && { form: valuesOf(form) }),
    time: new Date(time).toISOString(),
    ...(status !== undefined && { status }),
  };
}

function* headerEntries(rawHeaders: readonly string[]): Generator<readonly [string, string]> {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    yield [(rawHeaders[index] ?? '').toLowerCase(), rawHeaders[index + 1] ?? ''];
  }
}

function formOf(method: string, headers: RecordedRequest['headers'], body: Buffer | undefined) {
  const isForm = mediaTypeOf(firstOf(headers['content-type'])) === 'application/x-www-form-urlencoded';
  return method === 'POST' && isForm && body !== undefined ? new URLSearchParams(body.toString()) : undefined;
}

function firstOf(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'object' ? value[0] : value;
}

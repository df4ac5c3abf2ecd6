import type { IncomingMessage } from 'node:http';
import { isNestedTooDeeply, mediaTypeOf, readBody } from '@tallystick/common';
import { InputError } from '../harness/input_error.ts';
import { ControlError } from './control_error.ts';

/** Bytes. */
const MAX_BODY = 1024 * 1024;

/** Reads a JSON body. An empty body counts as an empty object. @throws {ControlError} @throws {InputError} */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const body = await readBody(request, MAX_BODY);
  if (body === undefined) throw new ControlError(413, 'invalid_request', `the body is larger than ${MAX_BODY} bytes`);
  if (body.length === 0) return {};
  const type = mediaTypeOf(request.headers['content-type']);
  if (type !== 'application/json')
    throw new ControlError(415, 'invalid_request', 'expected the Content-Type application/json');
  const text = body.toString();
  if (isNestedTooDeeply(text)) throw new InputError('', 'the body is nested too deeply');
  try {
    return JSON.parse(text);
  } catch {
    throw new InputError('', 'the body is not valid JSON');
  }
}

/**
 * Refuses requests from web pages of other origins in the developer's browser, by `Origin` and `Sec-Fetch-Site`. The check of `Host`,
 * which comes before, stops DNS rebinding.
 *
 * @throws {ControlError} 403
 */
export function refuseForeignOrigin({ headers, socket }: IncomingMessage): void {
  const { host, origin, 'sec-fetch-site': site = 'none' } = headers;
  if (
    (origin !== undefined && origin !== `${'encrypted' in socket ? 'https' : 'http'}://${host}`) ||
    !['none', 'same-origin'].includes(String(site))
  ) {
    throw new ControlError(403, 'access_denied', 'a web page of another origin must not call the control API');
  }
}

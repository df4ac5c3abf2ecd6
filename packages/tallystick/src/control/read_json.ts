import type { IncomingMessage } from 'node:http';
import { isNestedTooDeeply, mediaTypeOf, readBody } from '@tallystick/common';
import { InputError } from '../harness/input_error.ts';
import { ControlError } from './control_error.ts';

/** Bytes. */
const LIMIT = 1024 * 1024;

/** Reads a JSON body; none at all counts as an empty object. @throws {ControlError} @throws {InputError} */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const body = await readBody(request, LIMIT);
  if (body === undefined) throw new ControlError(413, 'invalid_request', `the body is larger than ${LIMIT} bytes`);
  if (body.length === 0) return {};
  const type = mediaTypeOf(request.headers['content-type']);
  if (type !== 'application/json') throw new ControlError(415, 'invalid_request', 'expected application/json');
  const text = body.toString();
  if (isNestedTooDeeply(text)) throw new InputError('', 'the body is nested too deeply');
  try {
    return JSON.parse(text);
  } catch {
    throw new InputError('', 'the body is not valid JSON');
  }
}

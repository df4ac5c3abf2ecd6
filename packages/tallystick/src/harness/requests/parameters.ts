import { mediaTypeOf } from '@tallystick/common';
import type { Endpoint } from './identify_request.ts';

/** What tells how the parameters of a request are encoded. */
interface RequestHead {
  readonly method: string | undefined;
  readonly contentType: string | undefined;
  readonly endpoint: Endpoint | undefined;
}

/** Endpoints at which a permissive issuer takes JSON instead of a form. */
const JSON_ENDPOINTS: readonly (Endpoint | undefined)[] = ['token', 'introspection', 'revocation'];

/** How the body contains the parameters of the request, if it does. */
export function encodingOf({ method, contentType, endpoint }: RequestHead): 'form' | 'json' | undefined {
  if (method !== 'POST') return undefined;
  const type = mediaTypeOf(contentType);
  if (type === 'application/x-www-form-urlencoded') return 'form';
  return type === 'application/json' && JSON_ENDPOINTS.includes(endpoint) ? 'json' : undefined;
}

/** The parameters in the body of a request to the authorization server. */
export function parametersOf(head: RequestHead, body: Buffer | undefined): URLSearchParams | undefined {
  const encoding = encodingOf(head);
  if (encoding === undefined || body === undefined) return undefined;
  return encoding === 'form' ? new URLSearchParams(body.toString()) : parametersOfJson(body);
}

function parametersOfJson(body: Buffer): URLSearchParams | undefined {
  try {
    const value: unknown = JSON.parse(body.toString());
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    const parameters = new URLSearchParams();
    for (const [name, given] of Object.entries(value)) {
      for (const one of [given].flat()) parameters.append(name, typeof one === 'string' ? one : JSON.stringify(one));
    }
    return parameters;
  } catch {
    return undefined; // The body is not JSON, so the server refuses the request.
  }
}

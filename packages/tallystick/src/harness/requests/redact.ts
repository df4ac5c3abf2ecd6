import type { RecordedRequest, Values } from './recorded_request.ts';

const REDACTED = '[redacted]';

/** Headers that contain no credentials. Every other header is redacted. */
const harmlessHeaders = new Set(
  `accept accept-encoding accept-language cache-control connection content-length content-type host if-none-match origin
  pragma transfer-encoding user-agent via x-forwarded-for x-forwarded-host x-forwarded-prefix x-forwarded-proto traceparent`.split(
    /\s+/,
  ),
);
const harmlessParameters = new Set(
  `acr_values actor_token_type audience authorization_details binding_message claims client_assertion_type client_id
  code_challenge code_challenge_method dpop_jkt grant_type login_hint max_age nonce post_logout_redirect_uri prompt
  redirect_uri requested_expiry requested_token_type resource response_mode response_type scope state subject_token_type
  token_type_hint ui_locales username`.split(/\s+/),
);

/**
 * Redacts secrets, tokens, codes and cookies.
 *
 * @param mountPath path of the issuer, which is public
 */
export function redact(request: RecordedRequest, mountPath: string): RecordedRequest {
  return request.server === 'authorization-server' ? redactProtocol(request, mountPath) : redactCall(request);
}

/** Parameters of an API that may be credentials. */
const CREDENTIAL = /token|secret|code|password|passwd|credential|assertion|signature|session|auth|key|jwt|sig$/i;

/** A call of an API: paths and parameters belong to the API. Its body may contain anything. */
function redactCall({ body: _, ...request }: RecordedRequest): RecordedRequest {
  const query: Values = Object.create(null);
  for (const [name, value] of Object.entries(request.query)) query[name] = CREDENTIAL.test(name) ? REDACTED : value;
  return { ...request, query, headers: redactValues(request.headers, harmlessHeaders) };
}

function redactProtocol(request: RecordedRequest, mountPath: string): RecordedRequest {
  const own = request.path.startsWith(`${mountPath}/`) ? mountPath : '';
  return {
    ...request,
    path: own + request.path.slice(own.length).split('/').map(redactSegment).join('/'),
    query: redactValues(request.query, harmlessParameters),
    headers: redactValues(request.headers, harmlessHeaders),
    ...(request.form && { form: redactValues(request.form, harmlessParameters) }),
  };
}

/** Lower-case words belong to our own paths. Anything else may be an identifier that works like a cookie. */
function redactSegment(segment: string): string {
  return /^[a-z._-]*$/.test(segment) ? segment : REDACTED;
}

function redactValues(values: Values, harmless: ReadonlySet<string>): Values {
  const kept: Values = Object.create(null);
  for (const [name, value] of Object.entries(values)) kept[name] = harmless.has(name) ? value : REDACTED;
  return kept;
}

import type { Log } from '@tallystick/common';
import type { Context } from 'koa';
import type { Provider } from 'oidc-provider';

/** Events with which oidc-provider reports a refused request of each endpoint. */
const EVENTS = [
  'authorization.error',
  'backchannel_authentication.error',
  'code_verification.error',
  'device_authorization.error',
  'device_resume.error',
  'discovery.error',
  'end_session.error',
  'end_session_confirm.error',
  'end_session_success.error',
  'grant.error',
  'introspection.error',
  'jwks.error',
  'pushed_authorization_request.error',
  'registration_create.error',
  'registration_delete.error',
  'registration_read.error',
  'registration_update.error',
  'revocation.error',
  'userinfo.error',
];

/** Errors that a client which polls gets until the user has decided (RFC 8628 section 3.5). They are part of the flow. */
const POLLING = new Set(['authorization_pending', 'slow_down']);

/** Characters of a text that are logged. */
const MAX_LENGTH = 300;

/** A run of characters that is as long as a token or a generated secret. Identifiers such as a UUID are shorter. */
const LONG_VALUE = /[\w~+=-]{40,}(?:\.[\w~+=-]*)*/g;

/** Parameters whose values are secrets. A description may quote one that the client sent in a wrong place. */
const SECRET_PARAMETERS = [
  'assertion',
  'client_assertion',
  'client_secret',
  'code',
  'code_verifier',
  'device_code',
  'id_token_hint',
  'password',
  'refresh_token',
  'subject_token',
  'token',
];

/** Remembers the error of each request that oidc-provider refuses, for {@link logRefusal}. */
export function recordRefusals(provider: Provider): void {
  for (const event of EVENTS) {
    (provider as { on(event: string, listener: (ctx: Context, error: unknown) => void): void }).on(
      event,
      (ctx, error) => recordRefusal(ctx, error),
    );
  }
}

/** Remembers the error that a request was refused with. */
export function recordRefusal({ state }: Context, error: unknown): void {
  state.refusal = error;
}

interface Refusal {
  readonly error?: unknown;
  readonly error_description?: unknown;
  /** Details for the operator that the client does not get. They tell an unknown client from a wrong secret. */
  readonly error_detail?: unknown;
}

/**
 * Writes one line for a request that was refused: who sent it, the error and its reason. The fields have the same names as in the
 * log of the gateway. Never logs a token or a secret.
 *
 * @param fields method, route and duration of the request
 */
export function logRefusal(log: Log, ctx: Context, fields: object): void {
  const refusal = refusalOf(ctx);
  if (refusal === undefined) return;
  const { error, error_description: reason, error_detail: detail } = refusal;
  const text = createRedaction(ctx);
  const line = {
    ...fields,
    client: text(clientOf(ctx)),
    error: text(error),
    reason: text(reason),
    detail: detail === reason ? undefined : text(detail),
  };
  if (POLLING.has(String(error))) log.debug(line, 'request refused');
  else log.info(line, 'request refused');
}

/** The recorded error, or the one in the body of a middleware that answered by itself. Failures of the server are no refusals. */
function refusalOf({ state, status, body }: Context): Refusal | undefined {
  if (status >= 500) return undefined;
  if (state.refusal !== undefined) return state.refusal as Refusal;
  const isError = status >= 400 && typeof body === 'object' && body !== null && 'error' in body;
  return isError ? (body as Refusal) : undefined;
}

/** The client that the request names, whether or not it is known and authenticated. */
export function clientOf(ctx: Context): unknown {
  const { oidc } = ctx;
  return oidc?.client?.clientId ?? oidc?.params?.client_id ?? basicUser(ctx.get('Authorization'));
}

/** The user name of HTTP Basic, which is the form-encoded client identifier (RFC 6749 section 2.3.1). */
function basicUser(authorization: string): string | undefined {
  const [, credentials] = /^basic +([\w+/=-]+)$/i.exec(authorization) ?? [];
  if (credentials === undefined) return undefined;
  const [name] = Buffer.from(credentials, 'base64').toString().split(':', 1);
  return new URLSearchParams(`name=${name?.replaceAll('&', '%26')}`).get('name') ?? undefined;
}

/** @returns a function that shortens a text and removes what may be a token or a secret */
export function createRedaction({ oidc }: Context): (value: unknown) => string | undefined {
  const secrets = SECRET_PARAMETERS.flatMap((name) => {
    const value = oidc?.params?.[name];
    return typeof value === 'string' && value !== '' ? [value] : [];
  });
  return (value) => {
    if (typeof value !== 'string') return undefined;
    const redacted = secrets.reduce((text, secret) => text.replaceAll(secret, '[redacted]'), value.slice(0, 4096));
    return redacted.replace(LONG_VALUE, '[redacted]').slice(0, MAX_LENGTH);
  };
}

import { refusedShape } from '@tallystick/common';
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { ApiConfig } from '../config/config.ts';

/** An element of `authorization_details` (RFC 9396 section 2). */
interface AuthorizationDetail {
  readonly type: string;
  readonly locations?: readonly string[];
}

interface WithDetails {
  readonly aud?: string;
  readonly rar?: readonly AuthorizationDetail[];
}

/**
 * Creates oidc-provider's `richAuthorizationRequests` feature (RFC 9396): the configuration names the types of each API, the
 * user consents to the details unchanged, and a token has the details for its API.
 */
export function createAuthorizationDetails(apis: readonly ApiConfig[], enabled: boolean) {
  const apiByResource = new Map(apis.map((api) => [api.resource, api]));
  const types = new Set(apis.flatMap((api) => api.authorizationDetailsTypes));

  const areFor = (resource: string | undefined) => (detail: AuthorizationDetail) =>
    apiByResource.get(resource ?? '')?.authorizationDetailsTypes.includes(detail.type) === true &&
    (detail.locations === undefined || (resource !== undefined && detail.locations.includes(resource)));

  /** The details in a token request, which may only narrow the granted ones (RFC 9396 section 6.1). */
  function requestedOf(ctx: KoaContextWithOIDC, granted: readonly AuthorizationDetail[] | undefined) {
    const text = ctx.oidc.params?.authorization_details;
    if (typeof text !== 'string') return undefined;
    const requested = JSON.parse(text) as AuthorizationDetail[];
    const known = granted && new Set(granted.map(canonical));
    if (known !== undefined && !requested.every((detail) => known.has(canonical(detail)))) {
      throw new errors.InvalidAuthorizationDetails('the requested authorization_details exceed the granted ones');
    }
    return requested;
  }

  return {
    enabled: enabled && types.size > 0,
    types: Object.fromEntries([...types].map((type) => [type, { validate }])),
    authorizationDetailsForGrantSource(ctx: KoaContextWithOIDC) {
      const { authorization_details: text } = ctx.oidc.params as { authorization_details?: string };
      if (text === undefined) return undefined;
      const granted = new Set((ctx.oidc.grant as unknown as WithDetails).rar?.map(canonical));
      return (JSON.parse(text) as AuthorizationDetail[]).filter((detail) => granted.has(canonical(detail)));
    },
    authorizationDetailsForAccessToken(ctx: KoaContextWithOIDC, token: WithDetails, source: WithDetails | undefined) {
      const isForApi = areFor(token.aud);
      const requested = requestedOf(ctx, source && (source.rar ?? []));
      if (requested?.some((detail) => !isForApi(detail))) {
        throw new errors.InvalidAuthorizationDetails('the requested authorization_details are not for this API');
      }
      return requested ?? source?.rar?.filter(isForApi);
    },
    authorizationDetailsForIntrospection: (_ctx: unknown, token: WithDetails) => token.rar,
  };
}

/** The API receives the details unchanged, so member names that are dangerous in JavaScript are refused. */
function validate(_ctx: unknown, detail: object): void {
  const refused = refusedShape(detail);
  if (refused) {
    throw new errors.InvalidAuthorizationDetails(
      `authorization_details must not contain ${refused.path.join('.')}: ${refused.reason}`,
    );
  }
}

/** Serializes JSON with sorted members, so that equal values have equal texts. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}

import { refusedShape } from '@tallystick/common';
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { ApiConfig } from '../config/config.ts';

/** One of the `authorization_details` (RFC 9396 section 2). */
interface AuthorizationDetail {
  readonly type: string;
  readonly locations?: readonly string[];
}

interface WithDetails {
  readonly aud?: string;
  readonly rar?: readonly AuthorizationDetail[];
}

/**
 * What oidc-provider asks about `authorization_details` (RFC 9396): each API says which types it understands, a user
 * consents to them as they are, and a token carries those that are for its API.
 */
export function createAuthorizationDetails(apis: readonly ApiConfig[], enabled: boolean) {
  const apiByResource = new Map(apis.map((api) => [api.resource, api]));
  const types = new Set(apis.flatMap((api) => api.authorizationDetailsTypes));

  const areFor = (resource: string | undefined) => (detail: AuthorizationDetail) =>
    apiByResource.get(resource ?? '')?.authorizationDetailsTypes.includes(detail.type) === true &&
    (detail.locations === undefined || (resource !== undefined && detail.locations.includes(resource)));

  /** The details that the request at the token endpoint names; a grant may only be narrowed (RFC 9396 section 6.1). */
  function requestedOf(ctx: KoaContextWithOIDC, granted: readonly AuthorizationDetail[] | undefined) {
    const text = ctx.oidc.params?.authorization_details;
    if (typeof text !== 'string') return undefined;
    const requested = JSON.parse(text) as AuthorizationDetail[];
    const known = granted && new Set(granted.map(canonical));
    if (known !== undefined && !requested.every((detail) => known.has(canonical(detail)))) {
      throw new errors.InvalidAuthorizationDetails('more authorization_details are requested than were granted');
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

/** An API gets the details as they are: they may have no names that are not names to it. */
function validate(_ctx: unknown, detail: object): void {
  const refused = refusedShape(detail);
  if (refused) {
    throw new errors.InvalidAuthorizationDetails(
      `authorization_details must not have ${refused.path.join('.')}: ${refused.reason}`,
    );
  }
}

/** The same for two JSON values that differ in the order of members only. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}

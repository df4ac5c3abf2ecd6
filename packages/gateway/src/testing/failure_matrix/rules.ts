import type { AuthorizationServerState, Cell } from './states.ts';

export type Status = 200 | 401 | 502 | 503;

/**
 * The possible statuses of a call, by the rules for failures in docs/design.md. There are several where the status depends on timing.
 */
export function expectedStatuses(cell: Cell): readonly Status[] {
  const { style, authorizationServer, store, cache } = cell;
  const isActive = cache === 'hot' || cache === 'cold';

  // The API itself introspects an opaque token; the signature of a JWT is sufficient.
  if (style === 'opaque') return [200];
  if (style === 'jwt') return [isActive ? 200 : 401];
  // An inactive token does not become active.
  if (cache === 'negative') return [401];
  // Redis stops and returns: the store is either down, or up with an empty cache.
  if (store === 'failing over') {
    const [down] = expectedStatuses({ ...cell, store: 'down' });
    const [back] = expectedStatuses({ ...cell, store: 'up', cache: isActive ? 'cold' : cache });
    return [...new Set([back, down] as Status[])];
  }

  const canBeRead = store === 'up' || store === 'read-only';
  // The feed is part of the store. Without it, cached tokens may have been revoked. It needs other rights than reading.
  const isFeedUp = canBeRead || store === 'no rights' || store === 'evicted';
  if (cache === 'hot' && isFeedUp) return [200];
  if (style !== 'phantom' && canBeRead && isActive) return [200];
  // In a Redis that drops keys, a missing entry does not mean that the token is invalid.
  if (style === 'split' && store !== 'evicted') return [canBeRead ? 401 : 503];
  return [introspected(authorizationServer, isActive)];
}

function introspected(authorizationServer: AuthorizationServerState, isActive: boolean): Status {
  switch (authorizationServer) {
    case 'up':
      return isActive ? 200 : 401;
    case '401':
    case 'HTML':
    case 'huge':
    case 'wrong content type':
    case 'wrong issuer':
      return 502;
    default:
      return 503;
  }
}

/** The error code of a 502. */
export function expectedBadGateway({ authorizationServer }: Cell): string {
  return authorizationServer === '401' ? 'validator_refused' : 'invalid_validator_response';
}

/** The `Retry-After` of a 503, in seconds. The gateway passes on the value of the authorization server. */
export function expectedRetryAfter({ style, authorizationServer, store }: Cell): string {
  const isAsked = style !== 'split' || store === 'evicted';
  return authorizationServer === '429' && isAsked ? '7' : '1';
}

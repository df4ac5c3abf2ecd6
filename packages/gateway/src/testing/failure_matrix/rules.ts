import type { AuthorizationServerState, Cell } from './states.ts';

export type Status = 200 | 401 | 502 | 503;

/**
 * What a call is answered with: what docs/design.md says of failures, in a few rules. More than one status where it depends on
 * the moment.
 */
export function expectedStatuses(cell: Cell): readonly Status[] {
  const { style, authorizationServer, store, cache } = cell;
  const isActive = cache === 'hot' || cache === 'cold';

  // The API judges a reference that is passed on; a JWT proves itself by its signature.
  if (style === 'opaque') return [200];
  if (style === 'jwt') return [isActive ? 200 : 401];
  // What is not active does not become so.
  if (cache === 'negative') return [401];
  // Redis is away, and then it is back: it is as if it were down, or up with nothing cached.
  if (store === 'failing over') {
    const [down] = expectedStatuses({ ...cell, store: 'down' });
    const [back] = expectedStatuses({ ...cell, store: 'up', cache: isActive ? 'cold' : cache });
    return [...new Set([back, down] as Status[])];
  }

  const canBeRead = store === 'up' || store === 'read-only';
  // The feed is in the store too: without it, what is cached may have been revoked. It needs other rights than reading does.
  const isHeard = canBeRead || store === 'no rights' || store === 'evicted';
  if (cache === 'hot' && isHeard) return [200];
  if (style !== 'phantom' && canBeRead && isActive) return [200];
  // That a Redis which drops keys does not have a token says nothing about it.
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

/** What a 502 says is wrong. */
export function expectedBadGateway({ authorizationServer }: Cell): string {
  return authorizationServer === '401' ? 'validator_refused' : 'invalid_validator_response';
}

/** What a 503 tells clients to wait, in seconds. An authorization server that says how long is believed. */
export function expectedRetryAfter({ style, authorizationServer, store }: Cell): string {
  const isAsked = style !== 'split' || store === 'evicted';
  return authorizationServer === '429' && isAsked ? '7' : '1';
}

export const authorizationServers = [
  'up',
  'refused',
  'slow',
  '401',
  '429',
  '500',
  'HTML',
  'truncated',
  'huge',
  'wrong content type',
  'wrong issuer',
] as const;
export type AuthorizationServerState = (typeof authorizationServers)[number];

export const stores = [
  'up',
  'down',
  'read-only',
  'slow',
  'failing over',
  'wrong password',
  'wrong database',
  'no rights',
  'evicted',
] as const;
export type StoreState = (typeof stores)[number];

/**
 * What the gateway has cached about a token before the failure begins: its JWT; nothing, for an active and for an inactive token; that
 * the token is inactive.
 */
export const caches = ['hot', 'cold', 'cold, not active', 'negative'] as const;
export type CacheState = (typeof caches)[number];

/** `split or introspect` means split with `onMiss: introspect`. */
export const styles = ['phantom', 'split', 'split or introspect', 'jwt', 'opaque'] as const;
export type MatrixStyle = (typeof styles)[number];

export interface Cell {
  readonly style: MatrixStyle;
  readonly authorizationServer: AuthorizationServerState;
  readonly store: StoreState;
  readonly cache: CacheState;
}

export const cells: readonly Cell[] = styles.flatMap((style) =>
  authorizationServers.flatMap((authorizationServer) =>
    stores.flatMap((store) => caches.map((cache) => ({ style, authorizationServer, store, cache }))),
  ),
);

import type { Introspect } from './introspect.ts';
import type { Resolver } from './resolver.ts';

/** `phantom`: the client holds a reference, the authorization server turns it into the JWT. */
export function createPhantomResolver(introspect: Introspect): Resolver {
  return {
    async find({ token }) {
      const answer = await introspect(token);
      return answer && { ...answer, source: 'authorization server' };
    },
    keep: (jwt) => jwt,
    join: (kept) => kept,
  };
}

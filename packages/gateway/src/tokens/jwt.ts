import type { Resolver } from './resolver.ts';

/** `jwt`: the client holds the JWT itself. Only that it was valid is remembered. */
export function createJwtResolver(): Resolver {
  return {
    async find({ token }) {
      return { jwt: token, source: 'client', maxAge: Number.POSITIVE_INFINITY };
    },
    keep: () => '',
    join: (_kept, token) => token,
  };
}

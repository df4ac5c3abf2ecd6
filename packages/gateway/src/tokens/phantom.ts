import type { Introspect, IntrospectionAnswer } from '../authorization_server/introspect.ts';
import type { Candidate, Resolver } from './resolver.ts';
import type { Translate } from './translate.ts';

export interface PhantomResolverDependencies {
  readonly introspect: Introspect;
  /** Makes the JWT where the authorization server has none. */
  readonly translate: Translate;
}

/** `phantom`: the client holds a reference, the authorization server turns it into the JWT. */
export function createPhantomResolver({ introspect, translate }: PhantomResolverDependencies): Resolver {
  async function toCandidate(answer: IntrospectionAnswer, token: string): Promise<Candidate> {
    const { maxAge } = answer;
    if ('jwt' in answer) return { jwt: answer.jwt, source: 'authorization server', maxAge };
    const jwt = await translate(answer.introspection, token);
    return { jwt, source: 'authorization server', maker: 'gateway', maxAge };
  }

  return {
    async find({ token }, sender, trace) {
      const answer = await introspect(token, sender, trace);
      return answer && toCandidate(answer, token);
    },
    keep: (jwt) => jwt,
    join: (kept) => kept,
  };
}

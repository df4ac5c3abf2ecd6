import type { z } from 'zod';
import type { GrantName } from '../grants/grant_types.ts';

/** The parts of a client whose effect depends on its grants. */
interface ClientEntry {
  readonly grants: readonly GrantName[];
  readonly redirectUris: readonly string[];
  readonly postLogoutRedirectUris: readonly string[];
  readonly applicationType?: unknown;
  readonly pkce?: unknown;
  readonly consent: string;
  readonly rotateRefreshTokens: boolean;
  readonly automaticLogin?: unknown;
  readonly lifetimes?: { readonly refreshToken?: unknown } | undefined;
}

interface Rule {
  readonly path: readonly [keyof ClientEntry, ...string[]];
  readonly isGiven: (client: ClientEntry) => boolean;
  /** The value has an effect with each of these grants. */
  readonly grants: readonly GrantName[];
}

/** Grants whose authorization response goes to a redirect URI. */
const REDIRECTS: readonly GrantName[] = ['authorization_code', 'implicit'];
/** Grants with the login and consent pages. Users decide on backchannel requests on a page of its own. */
const PAGES: readonly GrantName[] = [...REDIRECTS, 'device_code'];
const SIGN_IN: readonly GrantName[] = [...PAGES, 'ciba'];
const ISSUES_REFRESH_TOKENS: readonly GrantName[] = ['authorization_code', 'device_code', 'ciba'];

const RULES: readonly Rule[] = [
  { path: ['redirectUris'], isGiven: ({ redirectUris }) => redirectUris.length > 0, grants: REDIRECTS },
  { path: ['applicationType'], isGiven: (client) => client.applicationType !== undefined, grants: REDIRECTS },
  { path: ['pkce'], isGiven: ({ pkce }) => pkce !== undefined, grants: ['authorization_code'] },
  { path: ['consent'], isGiven: ({ consent }) => consent !== 'once', grants: PAGES },
  { path: ['automaticLogin'], isGiven: ({ automaticLogin }) => automaticLogin !== undefined, grants: PAGES },
  {
    path: ['postLogoutRedirectUris'],
    isGiven: ({ postLogoutRedirectUris }) => postLogoutRedirectUris.length > 0,
    grants: SIGN_IN,
  },
  {
    path: ['rotateRefreshTokens'],
    isGiven: ({ rotateRefreshTokens }) => !rotateRefreshTokens,
    grants: ['refresh_token'],
  },
  {
    path: ['lifetimes', 'refreshToken'],
    isGiven: ({ lifetimes }) => lifetimes?.refreshToken !== undefined,
    grants: ['refresh_token'],
  },
];

const either = new Intl.ListFormat('en', { type: 'disjunction' });

/** Refuses values that have no effect because the client lacks the grants for them, and grants that have none alone. */
export function checkClientGrants(client: ClientEntry, context: z.RefinementCtx): void {
  const lacks = (grants: readonly GrantName[]) => !client.grants.some((grant) => grants.includes(grant));
  const refuse = (path: readonly string[], message: string) =>
    context.addIssue({ code: 'custom', path: [...path], message, input: valueAt(client, path) });
  for (const { path, isGiven, grants } of RULES) {
    if (isGiven(client) && lacks(grants)) refuse(path, `expected this only with the ${either.format(grants)} grant`);
  }
  if (client.grants.includes('refresh_token') && lacks(ISSUES_REFRESH_TOKENS))
    refuse(
      ['grants'],
      `expected refresh_token only beside a grant that issues refresh tokens: ${either.format(ISSUES_REFRESH_TOKENS)}`,
    );
  if (client.redirectUris.length === 0 && !lacks(REDIRECTS))
    refuse(['redirectUris'], `expected at least one redirect URI for the ${either.format(REDIRECTS)} grant`);
}

function valueAt(client: ClientEntry, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], client);
}

import { Provider } from 'oidc-provider';
import { type AccessTokenRecord, userinfoRecordId } from '../tokens/access_token_styles.ts';

/**
 * Lets the access token of an API read userinfo too, if `openid` was granted with it (OpenID Connect Core section 5.3). Clients
 * with one access token for API and userinfo expect that. oidc-provider refuses tokens with an audience there.
 */
export function acceptApiTokensAtUserinfo(provider: Provider): void {
  const AccessToken = provider.AccessToken as unknown as { find(value: string): Promise<UserToken | undefined> };
  const { find } = AccessToken;
  AccessToken.find = async (value) => {
    if (Provider.ctx?.oidc?.route !== 'userinfo') return find.call(AccessToken, value);
    const token = (await find.call(AccessToken, value)) ?? (await find.call(AccessToken, userinfoRecordId(value)));
    if (token?.aud === undefined) return token;
    return Object.assign(token, { aud: undefined, scope: token.userScope ?? '' });
  };
}

type UserToken = Omit<AccessTokenRecord, 'aud'> & { aud?: unknown };

/** Keeps the claims of scopes out of all ID tokens. oidc-provider does that only for tokens without an API. */
export function keepClaimsOutOfIdTokens(provider: Provider): void {
  const prototype = provider.IdToken.prototype as unknown as {
    scope: string;
    issue(options: { readonly use: string }): Promise<string>;
  };
  const { issue } = prototype;
  prototype.issue = function (options) {
    if (options.use === 'idtoken') this.scope = 'openid';
    return issue.call(this, options);
  };
}

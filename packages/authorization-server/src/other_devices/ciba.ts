import type { TokenStore } from '@tallystick/token-store';
import type { Middleware } from 'koa';
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';
import type { AddUser } from '../sign_in/login_form.ts';
import { mapStoreErrors } from '../storage/store_errors.ts';
import { requestListName } from './backchannel_requests.ts';

interface StoredRequest {
  readonly jti: string;
  readonly exp?: number;
  readonly expiration: number;
}

/** Creates oidc-provider's `ciba` feature: Client-Initiated Backchannel Authentication. */
export function createCiba(
  { features, secret, users, permissive }: AuthorizationServerConfig,
  { store, addUser }: { readonly store: TokenStore; readonly addUser: AddUser },
) {
  const userIds = new Set(users.map((user) => user.id));
  return {
    enabled: features.ciba,
    deliveryModes: ['poll', 'ping'],
    /** Adds the request to the user's list, for the page and the control API. */
    async triggerAuthenticationDevice(_ctx: unknown, request: StoredRequest, account: { accountId: string }) {
      const list = requestListName(account.accountId);
      await mapStoreErrors(store.addToList(list, request.jti, request.expiration, secret));
    },
    /** The page shows the message, so it must be short and plain (CIBA Core section 7.1). */
    async validateBindingMessage(_ctx: unknown, bindingMessage: string | undefined) {
      if (bindingMessage !== undefined && !/^[\w\-.,:;+/!?#@ ]{1,64}$/.test(bindingMessage)) {
        throw new errors.InvalidBindingMessage(
          'the binding_message must have 1 to 64 characters: ASCII letters, digits, spaces and -.,:;+/!?#@_',
        );
      }
    },
    async validateRequestContext() {},
    async processLoginHint(_ctx: unknown, hint: string) {
      return userIds.has(hint) || (permissive && (await addUser(hint))) ? hint : undefined;
    },
    async processLoginHintToken() {
      throw new errors.InvalidRequest('login_hint_token is not supported; use login_hint');
    },
    async verifyUserCode(_ctx: KoaContextWithOIDC, _account: unknown, userCode: string | undefined) {
      if (userCode !== undefined) throw new errors.InvalidRequest('user_code is not supported');
    },
  };
}

/** Corrects the discovery document: oidc-provider always announces support for user codes (CIBA Core section 4). */
export function discoveryWithoutUserCodes(): Middleware {
  return async (ctx, next) => {
    await next();
    if (ctx.oidc?.route !== 'discovery') return;
    const metadata = ctx.body as Record<string, unknown>;
    if ('backchannel_authentication_endpoint' in metadata) metadata.backchannel_user_code_parameter_supported = false;
  };
}

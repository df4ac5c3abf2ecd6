import {
  type AuthorizationOptions,
  type Authorized,
  authorize as authorizeAt,
  type SignedIn,
  signIn as signInAt,
} from '@tallystick/testing/sign_in';
import type * as oidc from 'openid-client';
import { resourceOf, type Style, type World } from '../worlds/world.ts';
import { demoWeb } from './clients.ts';

export interface SignInOptions extends Omit<AuthorizationOptions, 'client' | 'login'> {
  readonly user?: 'alice' | 'bob';
  /** The API that the token is for. Without it, the token is for the userinfo endpoint. */
  readonly style?: Style;
  /** Default: `demo-web`. */
  readonly client?: oidc.Configuration;
  /** Binds the token to a key. */
  readonly dpop?: oidc.DPoPHandle;
}

/** Signs a user in and gets the tokens: authorization code with PKCE. */
export async function signIn(world: World, options: SignInOptions = {}): Promise<SignedIn> {
  return signInAt(world, await inWorld(world, options), options.dpop);
}

/** Signs a user in, up to the code. */
export async function authorize(world: World, options: SignInOptions = {}): Promise<Authorized> {
  return authorizeAt(world, await inWorld(world, options));
}

async function inWorld(world: World, { user = 'alice', style, ...options }: SignInOptions) {
  return {
    ...options,
    client: options.client ?? (await demoWeb(world)),
    login: { user },
    scope: style ? (options.scope ?? 'openid profile email read') : 'openid profile email',
    parameters: { ...(style && { resource: resourceOf(style) }), ...options.parameters },
  };
}

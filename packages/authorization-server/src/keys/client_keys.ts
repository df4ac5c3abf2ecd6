import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { peekBody } from '@tallystick/common';
import { StoreUnavailableError } from '@tallystick/token-store';
import type { Middleware } from 'koa';
import type { JWKS, KoaContextWithOIDC } from 'oidc-provider';
import type { SigningAlgorithm } from '../config/config.ts';

/**
 * Milliseconds that a request for the JWKS waits for the keys. Gateways and APIs fetch it at their start, and need only the keys of access
 * tokens; on a busy machine an RSA key takes longer than they wait.
 */
const JWKS_PATIENCE = 500;

export interface ClientKeysDependencies {
  /** Path of the issuer, without a slash at the end. */
  readonly mountPath: string;
  /** Whether access tokens are signed with them too, as those of a permissive issuer are. */
  readonly signAccessTokens: boolean;
  /** Whether all keys exist at start. */
  readonly isMade: boolean;
  /** Makes the keys and publishes them. */
  readonly make: () => Promise<void>;
}

/**
 * Makes the keys that only sign ID tokens and other JWTs for clients when the first request needs them. An RSA key takes up to
 * a second to make, and most servers in tests issue access tokens only.
 */
export function createClientKeys({ mountPath, signAccessTokens, make, ...given }: ClientKeysDependencies) {
  let { isMade } = given;
  let making: Promise<void> | undefined;

  async function ready(): Promise<void> {
    if (isMade) return;
    making ??= make().finally(() => {
      making = undefined;
    });
    await making;
    isMade = true;
  }

  return {
    isMade: () => isMade,
    /** Makes the keys, unless they exist. @throws {StoreUnavailableError} */
    ready,
    /** Makes the keys if the request needs them. Without the store, the request goes on: one that needs the store says so. */
    async readyFor(request: IncomingMessage): Promise<void> {
      if (!(await needsClientKeys(request, { mountPath, signAccessTokens }))) return;
      const made = ready().catch((error) => {
        if (!(error instanceof StoreUnavailableError)) throw error;
      });
      const isForJwks = pathOf(request, mountPath) === '/jwks';
      await (isForJwks ? Promise.race([made, sleep(JWKS_PATIENCE, undefined, { ref: false })]) : made);
    },
  };
}

/** Whether the response may contain a JWT for a client, or the JWKS. */
async function needsClientKeys(
  request: IncomingMessage,
  { mountPath, signAccessTokens }: Pick<ClientKeysDependencies, 'mountPath' | 'signAccessTokens'>,
): Promise<boolean> {
  const path = pathOf(request, mountPath);
  if (/^\/(?:token\/revocation|reg|\.well-known)(?:\/|$)/.test(path)) return false;
  if (signAccessTokens) return true;
  // RFC 9701. Other introspection responses contain access tokens at most.
  if (path === '/token/introspection') return /token-introspection\+jwt/i.test(request.headers.accept ?? '');
  if (path !== '/token' || request.method !== 'POST') return true;
  const { 'content-length': length = '0', 'transfer-encoding': coding } = request.headers;
  // oidc-provider warns of a body that was read before, and takes an empty one for that.
  if (length === '0' && coding === undefined) return false;
  const form = new URLSearchParams((await peekBody(request)).toString());
  return form.get('grant_type') !== 'client_credentials';
}

function pathOf({ url = '' }: IncomingMessage, mountPath: string): string {
  return url.split('?', 1)[0]?.slice(mountPath.length) ?? '';
}

const PENDING = 'pending ';

/**
 * Adds an entry for each algorithm whose key is not made yet, so that discovery lists the algorithm and clients can register it.
 * The entries are not valid keys: signing with one throws.
 */
export function withPendingKeys(jwks: JWKS, algorithms: readonly SigningAlgorithm[]): JWKS {
  const made = new Set(jwks.keys.map(({ alg }) => alg));
  const missing = algorithms.filter((algorithm) => !made.has(algorithm));
  const none = { n: '-', e: '-', d: '-', p: '-', q: '-', dp: '-', dq: '-', qi: '-' };
  const pending = missing.map((alg) => ({ kty: 'RSA', use: 'sig', alg, kid: PENDING + alg, ...none }));
  return { keys: [...jwks.keys, ...pending] } as JWKS;
}

/** Keeps the entries of {@link withPendingKeys} out of the JWKS, which is served without the store too. */
export function hidePendingKeys(): Middleware {
  return async (ctx, next) => {
    await next();
    if ((ctx as unknown as Partial<KoaContextWithOIDC>).oidc?.route !== 'jwks') return;
    const { keys } = ctx.body as { readonly keys?: readonly { readonly kid: string }[] };
    if (keys !== undefined) ctx.body = { keys: keys.filter(({ kid }) => !kid.startsWith(PENDING)) };
  };
}

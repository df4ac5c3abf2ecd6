import { sameText } from '@tallystick/common';
import { type TokenStore, tokenKey } from '@tallystick/token-store';
import type { Middleware } from 'koa';
import type { Adapter, AdapterPayload, Provider } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { MAX_LIFETIME } from '../storage/record_adapter.ts';
import { mapStoreErrors } from '../storage/store_errors.ts';

/** Dynamically registered clients (RFC 7591) and their registration access tokens (RFC 7592). */
export interface Registrations {
  readonly clients: Pick<Adapter, 'find' | 'upsert' | 'destroy'>;
  readonly accessTokens: Pick<Adapter, 'find' | 'upsert' | 'destroy'>;
  /** Keeps a client for good, because it got a token. Does nothing if no such client is registered. */
  markUsed(clientId: string): Promise<void>;
}

/** A client and its registration access token, in one record so that they expire together. */
interface Registration {
  readonly metadata: AdapterPayload;
  readonly isUsed: boolean;
  readonly accessToken?: { readonly tokenKey: string; readonly payload: AdapterPayload };
}

/**
 * Keeps registered clients in the store. Anyone can register, so a client that never got a token is dropped after
 * `lifetimes.unusedRegistration`, or earlier if too many others register. It can register again.
 */
export function createRegistrations(
  { lifetimes, secret }: Pick<AuthorizationServerConfig, 'lifetimes' | 'secret'>,
  { store, requestedAt }: { readonly store: TokenStore; readonly requestedAt: () => number | undefined },
): Registrations {
  const records = store.records('Client', secret);

  async function read(clientId: string): Promise<Registration | undefined> {
    return (await mapStoreErrors(records.find(clientId))) as Registration | undefined;
  }

  async function write(clientId: string, { metadata, isUsed, accessToken }: Registration) {
    const registration = { metadata, isUsed, ...(accessToken && { accessToken }) };
    await mapStoreErrors(
      isUsed
        ? records.upsert(clientId, registration, MAX_LIFETIME, requestedAt())
        : records.upsertAnonymous(clientId, registration, lifetimes.unusedRegistration, requestedAt()),
    );
  }

  return {
    clients: {
      find: async (id) => (await read(id))?.metadata,
      async upsert(id, metadata) {
        await write(id, { isUsed: false, ...(await read(id)), metadata });
      },
      destroy: (id) => mapStoreErrors(records.destroy(id)),
    },
    accessTokens: {
      async find(id) {
        const { accessToken } = (await read(clientOf(id))) ?? {};
        if (accessToken === undefined || !sameText(accessToken.tokenKey, tokenKey(id))) return undefined;
        return { ...accessToken.payload, jti: id };
      },
      async upsert(id, { jti: _id, ...payload }) {
        const registration = await read(clientOf(id));
        if (registration === undefined) return; // The client was deleted in the meantime.
        await write(clientOf(id), { ...registration, accessToken: { tokenKey: tokenKey(id), payload } });
      },
      async destroy(id) {
        const registration = await read(clientOf(id));
        if (registration === undefined) return;
        const { metadata, isUsed } = registration;
        await write(clientOf(id), { metadata, isUsed });
      },
    },
    async markUsed(clientId) {
      const registration = await read(clientId);
      if (registration === undefined || registration.isUsed) return;
      // `advance` writes nothing if the client was deleted in the meantime.
      const { metadata, accessToken } = registration;
      const used = { metadata, isUsed: true, ...(accessToken && { accessToken }) };
      await mapStoreErrors(records.advance(clientId, used, MAX_LIFETIME, 1, requestedAt()));
    },
  };
}

/** Prefixes each registration access token with its client's identifier, which names the record that contains it. */
export function prefixRegistrationAccessTokens(provider: Provider): void {
  const { prototype } = provider.RegistrationAccessToken as unknown as {
    prototype: { clientId: string; generateTokenId(): string };
  };
  const { generateTokenId } = prototype;
  prototype.generateTokenId = function (this: typeof prototype) {
    return `${this.clientId}.${generateTokenId.call(this)}`;
  };
}

function clientOf(registrationAccessToken: string): string {
  return registrationAccessToken.slice(0, registrationAccessToken.lastIndexOf('.'));
}

/** Marks a registered client as used before it receives its first token. */
export function markUsedRegistrations(
  { clients }: Pick<AuthorizationServerConfig, 'clients'>,
  registrations: Pick<Registrations, 'markUsed'>,
): Middleware {
  const configured = new Set(clients.map(({ id }) => id));
  return async (ctx, next) => {
    await next();
    const clientId = ctx.oidc?.client?.clientId;
    const gotToken = ctx.state.tokensInResponse || (ctx.oidc?.route === 'token' && ctx.status === 200);
    if (!gotToken || clientId === undefined) return;
    if (!configured.has(clientId)) await registrations.markUsed(clientId);
  };
}

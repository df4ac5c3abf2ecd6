import { sameText } from '@tallystick/common';
import { type TokenStore, tokenKey } from '@tallystick/token-store';
import type { Middleware } from 'koa';
import type { Adapter, AdapterPayload, Provider } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { LONGEST_LIFE } from '../storage/record_adapter.ts';
import { answeringForTheStore } from '../storage/store_unavailable.ts';

/** Clients that registered themselves (RFC 7591), and the tokens that they manage themselves with (RFC 7592). */
export interface Registrations {
  readonly clients: Pick<Adapter, 'find' | 'upsert' | 'destroy'>;
  readonly accessTokens: Pick<Adapter, 'find' | 'upsert' | 'destroy'>;
  /** The client was issued a token, so it is there to stay. Nothing happens when no such client registered. */
  noteUse(clientId: string): Promise<void>;
}

/** A client and its registration access token are one record: they live equally long. */
interface Registration {
  readonly metadata: AdapterPayload;
  readonly isUsed: boolean;
  readonly accessToken?: { readonly tokenKey: string; readonly payload: AdapterPayload };
}

/**
 * Keeps registered clients in the store. Anybody can register, so a client that was never issued a token is forgotten after a
 * while, or sooner when too many others register; it asks for nothing but to be there, and can register again.
 */
export function createRegistrations(
  { lifetimes, secret }: Pick<AuthorizationServerConfig, 'lifetimes' | 'secret'>,
  { store, startOfWork }: { readonly store: TokenStore; readonly startOfWork: () => number | undefined },
): Registrations {
  const records = store.records('Client', secret);

  async function read(clientId: string): Promise<Registration | undefined> {
    return (await answeringForTheStore(records.find(clientId))) as Registration | undefined;
  }

  async function write(clientId: string, { metadata, isUsed, accessToken }: Registration) {
    const registration = { metadata, isUsed, ...(accessToken && { accessToken }) };
    await answeringForTheStore(
      isUsed
        ? records.upsert(clientId, registration, LONGEST_LIFE, startOfWork())
        : records.upsertAnonymous(clientId, registration, lifetimes.unusedRegistration, startOfWork()),
    );
  }

  return {
    clients: {
      find: async (id) => (await read(id))?.metadata,
      async upsert(id, metadata) {
        await write(id, { isUsed: false, ...(await read(id)), metadata });
      },
      destroy: (id) => answeringForTheStore(records.destroy(id)),
    },
    accessTokens: {
      async find(id) {
        const { accessToken } = (await read(clientOf(id))) ?? {};
        if (accessToken === undefined || !sameText(accessToken.tokenKey, tokenKey(id))) return undefined;
        return { ...accessToken.payload, jti: id };
      },
      async upsert(id, { jti: _id, ...payload }) {
        const registration = await read(clientOf(id));
        if (registration === undefined) return; // It was deleted meanwhile.
        await write(clientOf(id), { ...registration, accessToken: { tokenKey: tokenKey(id), payload } });
      },
      async destroy(id) {
        const registration = await read(clientOf(id));
        if (registration === undefined) return;
        const { metadata, isUsed } = registration;
        await write(clientOf(id), { metadata, isUsed });
      },
    },
    async noteUse(clientId) {
      const registration = await read(clientId);
      if (registration === undefined || registration.isUsed) return;
      // Of a client that was deleted meanwhile nothing is written.
      const { metadata, accessToken } = registration;
      const used = { metadata, isUsed: true, ...(accessToken && { accessToken }) };
      await answeringForTheStore(records.advance(clientId, used, LONGEST_LIFE, 1, startOfWork()));
    },
  };
}

/** Makes registration access tokens name their client, in whose record they are. */
export function nameClientInRegistrationAccessTokens(provider: Provider): void {
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

/** Notes of each client that is issued a token that it is used, before it gets the token. */
export function keepUsedRegistrations(
  { clients }: Pick<AuthorizationServerConfig, 'clients'>,
  registrations: Pick<Registrations, 'noteUse'>,
): Middleware {
  const configured = new Set(clients.map(({ id }) => id));
  return async (ctx, next) => {
    await next();
    const clientId = ctx.oidc?.client?.clientId;
    if (ctx.oidc?.route !== 'token' || ctx.status !== 200 || clientId === undefined) return;
    if (!configured.has(clientId)) await registrations.noteUse(clientId);
  };
}

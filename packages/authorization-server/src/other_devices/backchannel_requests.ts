import { createHmac, hkdfSync } from 'node:crypto';
import type { Log } from '@tallystick/common';
import { sameText } from '@tallystick/common';
import type { TokenStore } from '@tallystick/token-store';
import { errors, type Provider } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { describeError } from '../provider/error_boundary.ts';
import { mapStoreErrors } from '../storage/store_errors.ts';

/** A backchannel authentication request (CIBA) that waits for its user's decision. */
export interface PendingRequest {
  /** Names the request to whoever decides. It comes from the servers' secret: no client can compute it from its `auth_req_id`. */
  readonly handle: string;
  readonly clientId: string;
  readonly clientName: string;
  readonly bindingMessage?: string;
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
  readonly authorizationDetails: readonly object[];
}

export interface BackchannelRequests {
  /** What waits for the decision of a user. */
  pending(accountId: string): Promise<PendingRequest[]>;
  /**
   * Grants all that the request asks for, and pings the client if it wants to be.
   *
   * @param authReqId as the client got it
   * @throws {errors.InvalidRequest} there is no such request, or it was decided already
   */
  approve(authReqId: string): Promise<void>;
  /** @throws {errors.InvalidRequest} there is no such request, or it was decided already */
  deny(authReqId: string): Promise<void>;
}

type Decision = Extract<keyof BackchannelRequests, 'approve' | 'deny'>;

type StoredRequest = InstanceType<Provider['BackchannelAuthenticationRequest']> & {
  grantId?: string;
  error?: string;
};

export interface BackchannelRequestsDependencies {
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly provider: Provider;
  readonly store: TokenStore;
  readonly log: Log;
}

/** The list of a user's requests, which any server on the store may show. */
export const requestListName = (accountId: string) => `backchannel requests of ${accountId}`;

/** Decides on backchannel authentication requests, whichever server on the store they were made at. */
export function createBackchannelRequests(
  { secret, acrValues }: Pick<AuthorizationServerConfig, 'secret' | 'acrValues'>,
  { provider, store, log, now }: BackchannelRequestsDependencies,
): BackchannelRequests & { decide(accountId: string, handle: string, decision: Decision): Promise<void> } {
  const handleKey = Buffer.from(hkdfSync('sha256', secret, '', 'tallystick backchannel handles', 32));
  const handleOf = (authReqId: string) => createHmac('sha256', handleKey).update(authReqId).digest('base64url');

  async function undecided(authReqId: string): Promise<StoredRequest | undefined> {
    const request = (await provider.BackchannelAuthenticationRequest.find(authReqId)) as StoredRequest | undefined;
    if (request?.grantId !== undefined || request?.error !== undefined || request?.consumed) return undefined;
    // A server with another configuration may have taken it.
    return request && (await provider.Client.find(String(request.clientId))) ? request : undefined;
  }

  async function expectUndecided(authReqId: string): Promise<StoredRequest> {
    const request = await undecided(authReqId);
    if (!request) throw new errors.InvalidRequest('there is no such request, or it was decided already');
    return request;
  }

  const idsOf = (accountId: string) => mapStoreErrors(store.list(requestListName(accountId), secret));

  async function describe(authReqId: string): Promise<PendingRequest[]> {
    const request = await undecided(authReqId);
    const clientId = request?.clientId;
    if (request === undefined || clientId === undefined) return [];
    const client = await provider.Client.find(clientId);
    const bindingMessage = request.params?.binding_message;
    return [
      {
        handle: handleOf(authReqId),
        clientId,
        clientName: client?.clientName ?? clientId,
        ...(typeof bindingMessage === 'string' ? { bindingMessage } : undefined),
        scopes: scopesOf(request),
        resources: resourcesOf(request),
        authorizationDetails: detailsOf(request),
      },
    ];
  }

  async function grantOf(request: StoredRequest) {
    const { clientId, accountId } = request;
    const grant = new provider.Grant({ ...(clientId && { clientId }), ...(accountId && { accountId }) });
    grant.addOIDCScope(scopesOf(request).join(' '));
    for (const resource of resourcesOf(request)) grant.addResourceScope(resource, scopesOf(request).join(' '));
    const claims = request.claims as { id_token?: object; userinfo?: object } | undefined;
    grant.addOIDCClaims([...Object.keys(claims?.id_token ?? {}), ...Object.keys(claims?.userinfo ?? {})]);
    for (const detail of detailsOf(request)) grant.addRar(detail);
    await grant.save();
    return grant;
  }

  async function settle(request: StoredRequest, result: Parameters<Provider['backchannelResult']>[1], signIn = {}) {
    try {
      await provider.backchannelResult(request, result, signIn);
    } catch (error) {
      // Another decision came first, or the store did not acknowledge this one.
      if (error instanceof errors.OIDCProviderError) throw error;
      // The decision was saved before the client was pinged: it can still poll (CIBA Core section 10.2).
      if (await undecided(String(request.jti))) throw error;
      log.warn({ client: request.clientId, ...describeError(error) }, 'the client could not be pinged');
    }
  }

  const server = {
    async pending(accountId: string) {
      return (await Promise.all((await idsOf(accountId)).map(describe))).flat();
    },
    async approve(authReqId: string) {
      const request = await expectUndecided(authReqId);
      const [acr] = acrValues;
      const grant = await grantOf(request);
      const signIn = {
        ...(acr === undefined ? undefined : { acr }),
        amr: ['user'],
        authTime: Math.floor(now() / 1000),
        rar: request.params?.authorization_details === undefined ? undefined : detailsOf(request),
      };
      try {
        await settle(request, grant, signIn);
      } catch (error) {
        // Nothing was granted. A store that did not acknowledge may have the decision all the same, and needs the grant then.
        if (error instanceof errors.InvalidRequest) await grant.destroy();
        throw error;
      }
    },
    async deny(authReqId: string) {
      await settle(await expectUndecided(authReqId), new errors.AccessDenied('the user denied the request'));
    },
  };
  return {
    ...server,
    async decide(accountId, handle, decision) {
      const authReqId = (await idsOf(accountId)).find((id) => sameText(handleOf(id), handle));
      if (authReqId === undefined) throw new errors.InvalidRequest('there is no such request for this user');
      await server[decision](authReqId);
    },
  };
}

function scopesOf({ scope }: StoredRequest): string[] {
  return typeof scope === 'string' && scope !== '' ? scope.split(' ') : [];
}

function resourcesOf({ resource }: StoredRequest): string[] {
  return [resource ?? []].flat();
}

function detailsOf({ params }: StoredRequest): { type: string }[] {
  const text = params?.authorization_details;
  return typeof text === 'string' ? (JSON.parse(text) as { type: string }[]) : [];
}

import { createHmac, hkdfSync } from 'node:crypto';
import type { Log } from '@tallystick/common';
import { sameText } from '@tallystick/common';
import type { TokenStore } from '@tallystick/token-store';
import { errors, type Provider } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { describeError } from '../provider/error_boundary.ts';
import { mapStoreErrors } from '../storage/store_errors.ts';

/** A backchannel authentication request (CIBA) that waits for the user's decision. */
export interface PendingRequest {
  /** Identifies the request to the user. Derived with the servers' secret, so that a client cannot compute it from its `auth_req_id`. */
  readonly handle: string;
  readonly clientId: string;
  readonly clientName: string;
  readonly bindingMessage?: string;
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
  readonly authorizationDetails: readonly object[];
}

/** A request that the user has decided, until it expires. */
export interface DecidedRequest extends Pick<PendingRequest, 'handle' | 'clientName' | 'bindingMessage'> {
  readonly decision: 'approved' | 'denied';
}

export interface BackchannelRequests {
  /** The requests that wait for a decision of the user. */
  pending(accountId: string): Promise<PendingRequest[]>;
  /**
   * Grants everything that the request asks for, and pings a client in ping mode.
   *
   * @param authReqId the `auth_req_id` that the client received
   * @throws {errors.InvalidRequest} the request is unknown or already decided
   */
  approve(authReqId: string): Promise<void>;
  /** @throws {errors.InvalidRequest} the request is unknown or already decided */
  deny(authReqId: string): Promise<void>;
}

type Decision = Extract<keyof BackchannelRequests, 'approve' | 'deny'>;

type StoredRequest = InstanceType<Provider['BackchannelAuthenticationRequest']> & {
  grantId?: string;
  error?: string;
};

/** What the page needs to know and do. */
interface RequestsOfUsers {
  decided(accountId: string): Promise<DecidedRequest[]>;
  /** @throws {errors.InvalidRequest} the request is not one of the user, or already decided */
  decide(accountId: string, handle: string, decision: Decision): Promise<void>;
}

export interface BackchannelRequestsDependencies {
  /** The current time in epoch milliseconds. */
  readonly now: () => number;
  readonly provider: Provider;
  readonly store: TokenStore;
  readonly log: Log;
}

/** The name of the list in the store with a user's requests, which any server on the store can show. */
export const requestListName = (accountId: string) => `backchannel requests of ${accountId}`;

/** Decides backchannel authentication requests that were made at any server on the store. */
export function createBackchannelRequests(
  { secret, acrValues }: Pick<AuthorizationServerConfig, 'secret' | 'acrValues'>,
  { provider, store, log, now }: BackchannelRequestsDependencies,
): BackchannelRequests & RequestsOfUsers {
  const handleKey = Buffer.from(hkdfSync('sha256', secret, '', 'tallystick backchannel handles', 32));
  const handleOf = (authReqId: string) => createHmac('sha256', handleKey).update(authReqId).digest('base64url');
  const idsOf = (accountId: string) => mapStoreErrors(store.list(requestListName(accountId), secret));

  const server: BackchannelRequests = {
    async pending(accountId) {
      const ids = await idsOf(accountId);
      return (await Promise.all(ids.map((id) => describeRequest(provider, id, handleOf(id))))).flat();
    },
    async approve(authReqId) {
      const request = await expectUndecided(provider, authReqId);
      const grant = await saveGrant(provider, request);
      try {
        await settle({ provider, log }, request, grant, signInOf(request, acrValues, now()));
      } catch (error) {
        // The request was already decided. After any other error the store may have saved the decision, which needs the grant.
        if (error instanceof errors.InvalidRequest) await grant.destroy();
        throw error;
      }
    },
    async deny(authReqId) {
      const denial = new errors.AccessDenied('the user denied the request');
      await settle({ provider, log }, await expectUndecided(provider, authReqId), denial);
    },
  };
  return {
    ...server,
    async decided(accountId) {
      const ids = await idsOf(accountId);
      return (await Promise.all(ids.map((id) => describeDecided(provider, id, handleOf(id))))).flat();
    },
    async decide(accountId, handle, decision) {
      const authReqId = (await idsOf(accountId)).find((id) => sameText(handleOf(id), handle));
      if (authReqId === undefined) throw new errors.InvalidRequest('no such request for this user');
      await server[decision](authReqId);
    },
  };
}

async function findUndecided(provider: Provider, authReqId: string): Promise<StoredRequest | undefined> {
  const request = (await provider.BackchannelAuthenticationRequest.find(authReqId)) as StoredRequest | undefined;
  if (request === undefined || decisionOf(request) !== undefined) return undefined;
  // A server with another configuration may have accepted the request.
  return (await provider.Client.find(String(request.clientId))) ? request : undefined;
}

function decisionOf({ grantId, error, consumed }: StoredRequest): DecidedRequest['decision'] | undefined {
  if (error !== undefined) return 'denied';
  return grantId !== undefined || consumed ? 'approved' : undefined;
}

async function expectUndecided(provider: Provider, authReqId: string): Promise<StoredRequest> {
  const request = await findUndecided(provider, authReqId);
  if (!request) throw new errors.InvalidRequest('the request is unknown or already decided');
  return request;
}

/** Returns no description if the request is unknown or already decided. */
async function describeRequest(provider: Provider, authReqId: string, handle: string): Promise<PendingRequest[]> {
  const request = await findUndecided(provider, authReqId);
  const clientId = request?.clientId;
  if (request === undefined || clientId === undefined) return [];
  return [
    {
      ...(await nameRequest(provider, request, clientId)),
      handle,
      clientId,
      scopes: scopesOf(request),
      resources: resourcesOf(request),
      authorizationDetails: detailsOf(request),
    },
  ];
}

/** Returns no description if the request is unknown or undecided. */
async function describeDecided(provider: Provider, authReqId: string, handle: string): Promise<DecidedRequest[]> {
  const request = (await provider.BackchannelAuthenticationRequest.find(authReqId)) as StoredRequest | undefined;
  const decision = request && decisionOf(request);
  if (request === undefined || decision === undefined) return [];
  return [{ ...(await nameRequest(provider, request, String(request.clientId))), handle, decision }];
}

/** What users recognize a request by. */
async function nameRequest(provider: Provider, { params }: StoredRequest, clientId: string) {
  const client = await provider.Client.find(clientId);
  const bindingMessage = params?.binding_message;
  return {
    clientName: client?.clientName ?? clientId,
    ...(typeof bindingMessage === 'string' ? { bindingMessage } : undefined),
  };
}

/** Saves the decision, and pings a client in ping mode. */
async function settle(
  { provider, log }: Pick<BackchannelRequestsDependencies, 'provider' | 'log'>,
  request: StoredRequest,
  result: Parameters<Provider['backchannelResult']>[1],
  signIn = {},
) {
  try {
    await provider.backchannelResult(request, result, signIn);
  } catch (error) {
    // Another decision was faster, or the store did not acknowledge this one.
    if (error instanceof errors.OIDCProviderError) throw error;
    // The decision was saved before the ping failed. The client can still poll (CIBA Core section 10.2).
    if (await findUndecided(provider, String(request.jti))) throw error;
    log.warn({ client: request.clientId, ...describeError(error) }, 'CIBA ping notification failed');
  }
}

/** @param now epoch milliseconds */
function signInOf(request: StoredRequest, [acr]: readonly string[], now: number) {
  return {
    ...(acr === undefined ? undefined : { acr }),
    amr: ['user'],
    authTime: Math.floor(now / 1000),
    rar: request.params?.authorization_details === undefined ? undefined : detailsOf(request),
  };
}

/** Saves a grant for everything that the request asks for. */
async function saveGrant(provider: Provider, request: StoredRequest) {
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

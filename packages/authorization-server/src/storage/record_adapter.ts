import { GrantRevokedError, type RecordPayload, type TokenStore } from '@tallystick/token-store';
import { type Adapter, type AdapterPayload, errors, type Provider } from 'oidc-provider';
import { AlreadyUsedError } from '../other_devices/device_flow.ts';
import { type Caller, isAnonymous } from './anonymous_records.ts';
import type { IsWithinGrace } from './reuse.ts';
import { GrantAlreadyUsed, mapStoreErrors } from './store_errors.ts';
import type { UnitsOfWork } from './unit_of_work.ts';

/** Seconds that a record lives which oidc-provider gives no lifetime: no entry stays for ever. */
export const MAX_LIFETIME = 365 * 24 * 60 * 60;

/** What a token request issues and uses up. Other kinds, such as replayed `jti`s, are written at once. */
const ISSUED = new Set([
  'AccessToken',
  'ClientCredentials',
  'RefreshToken',
  'AuthorizationCode',
  'DeviceCode',
  'BackchannelAuthenticationRequest',
]);

/** What waits for a user, and how it is refused when another request came first. */
const DECIDED_BY_USERS = new Map<string, () => Error>([
  ['DeviceCode', () => new AlreadyUsedError()],
  ['BackchannelAuthenticationRequest', () => new errors.InvalidRequest('the request was decided already')],
]);

export interface RecordAdapterOptions {
  /** What every authorization server on the store knows. */
  readonly secret: string;
  readonly store: TokenStore;
  /** What is written within one of these is collected in it. */
  readonly units: UnitsOfWork;
  readonly isWithinGrace: IsWithinGrace;
  readonly caller: () => Caller;
  /** Seconds that a session lives in which nobody has signed in. */
  readonly anonymousSession: number;
  /** When the current request began, in epoch milliseconds; undefined outside a request. */
  readonly requestedAt: () => number | undefined;
}

/** oidc-provider's Adapter over the token store. */
export function createRecordAdapter(options: RecordAdapterOptions) {
  const { secret, store, units, isWithinGrace, caller, anonymousSession, requestedAt } = options;

  return (kind: string): Adapter => {
    const records = store.records(kind, secret);
    const written = () => (ISSUED.has(kind) ? units.current()?.records(kind) : undefined) ?? records;
    const write = (id: string, payload: AdapterPayload, expiresIn = MAX_LIFETIME): Promise<void> => {
      const owned = withOwners(kind, payload);
      if (!isAnonymous(kind, payload, caller())) return written().upsert(id, owned, expiresIn, requestedAt());
      const life = kind === 'Session' ? Math.min(expiresIn, anonymousSession) : expiresIn;
      return records.upsertAnonymous(id, owned, life, requestedAt());
    };
    const upsert: Adapter['upsert'] = (...record) => mapStoreErrors(write(...record));

    /** oidc-provider looked before; of two at the same time only the store can tell which came first. */
    const upsertOnce: Adapter['upsert'] = async (id, payload, expiresIn) => {
      await upsert(id, payload, expiresIn);
      if (!(await mapStoreErrors(records.consume(id)))) throw new ConcurrentReplay();
    };

    /** oidc-provider looked before whether it is decided; of several decisions at the same time only the store can tell. */
    const upsertByStep = (refuse: () => Error): Adapter['upsert'] => {
      return async (id, payload, expiresIn = MAX_LIFETIME) => {
        const step = stepOf(payload);
        if (step === undefined) return upsert(id, payload, expiresIn);
        const advanced = records.advance(id, payload, expiresIn, step, requestedAt());
        if (!(await mapStoreErrors(advanced))) throw refuse();
      };
    };

    /** A session that ended while a request was under way stays ended: what the request made of it is not kept. */
    const upsertSession: Adapter['upsert'] = (...record) =>
      mapStoreErrors(
        write(...record).catch((error) => {
          if (!(error instanceof GrantRevokedError)) throw error;
        }),
      );

    const refuseDecision = DECIDED_BY_USERS.get(kind);
    const upsertOf = new Map([
      ['ReplayDetection', upsertOnce],
      ['Session', upsertSession],
      ...(refuseDecision ? [[kind, upsertByStep(refuseDecision)] as const] : []),
    ]);
    const payloadOrNothing = (payload: RecordPayload | undefined) => payload as AdapterPayload | undefined;
    return {
      upsert: upsertOf.get(kind) ?? upsert,
      async find(id) {
        const payload = payloadOrNothing(await mapStoreErrors(records.find(id)));
        // oidc-provider would take it for theft. Other endpoints, such as revocation, look at what is used up, too.
        if (units.current() !== undefined && isWithinGrace(kind, payload?.consumed)) throw new GrantAlreadyUsed();
        return payload;
      },
      findByUid: async (uid) => payloadOrNothing(await mapStoreErrors(records.findByUid(uid))),
      findByUserCode: async (userCode) => payloadOrNothing(await mapStoreErrors(records.findByUserCode(userCode))),
      destroy: (id) => mapStoreErrors(records.destroy(id)),
      revokeByGrantId: (grantId) => mapStoreErrors(records.revokeByGrantId(grantId)),
      async consume(id) {
        // oidc-provider looked before; only the store can tell which of two concurrent redemptions came first.
        if (!(await mapStoreErrors(written().consume(id)))) throw alreadyUsed(kind);
      },
    };
  };
}

/** As oidc-provider refuses what it finds used. */
function alreadyUsed(kind: string): Error {
  if (kind !== 'PushedAuthorizationRequest') return new GrantAlreadyUsed();
  return new errors.InvalidRequestUri('request_uri was already used');
}

/** How far what waits for a user has come: a user has taken it on, then it is decided. Before that it is at no step. */
function stepOf({ inFlight, grantId, error }: AdapterPayload): number | undefined {
  if (grantId !== undefined || error !== undefined) return 2;
  return inFlight === true ? 1 : undefined;
}

/** A sign-in under way is also its client's and its user's, and ends with them. */
function withOwners(kind: string, payload: AdapterPayload): RecordPayload {
  if (kind !== 'Interaction') return payload;
  const { params, session, result } = payload as InteractionPayload;
  return { ...payload, clientId: params?.client_id, accountId: result?.login?.accountId ?? session?.accountId };
}

interface InteractionPayload {
  readonly params?: { readonly client_id?: unknown };
  readonly session?: { readonly accountId?: string };
  readonly result?: { readonly login?: { readonly accountId?: string } };
}

/** A proof or assertion was used by another request while this one looked whether it was. */
class ConcurrentReplay extends errors.InvalidRequest {
  constructor() {
    super('a proof or assertion was used before');
  }
}

/** Refuses a proof or assertion that comes twice at the same moment as oidc-provider refuses one that comes later. */
export function refuseConcurrentReplays({ ReplayDetection }: Provider): void {
  const unique = ReplayDetection.unique.bind(ReplayDetection);
  ReplayDetection.unique = (...args) =>
    unique(...args).catch((error) => {
      if (error instanceof ConcurrentReplay) return false;
      throw error;
    });
}

import { GrantRevokedError, type RecordPayload, type TokenStore } from '@tallystick/token-store';
import { type Adapter, type AdapterPayload, errors, type Provider } from 'oidc-provider';
import { AlreadyUsedError } from '../other_devices/device_flow.ts';
import { type Caller, isAnonymous } from './anonymous_records.ts';
import type { IsWithinGrace } from './reuse.ts';
import { GrantAlreadyUsed, mapStoreErrors } from './store_errors.ts';
import type { UnitsOfWork } from './unit_of_work.ts';

/** Lifetime in seconds of records for which oidc-provider sets none, so that every entry expires. */
export const MAX_LIFETIME = 365 * 24 * 60 * 60;

/** Kinds of records that belong to the unit of work of a token request. Other kinds, such as replayed `jti`s, are written at once. */
const UNIT_OF_WORK_KINDS = new Set([
  'AccessToken',
  'ClientCredentials',
  'RefreshToken',
  'AuthorizationCode',
  'DeviceCode',
  'BackchannelAuthenticationRequest',
]);

/** Kinds of records that wait for a user's decision, and the error if another request decided first. */
const DECIDED_BY_USERS = new Map<string, () => Error>([
  ['DeviceCode', () => new AlreadyUsedError()],
  ['BackchannelAuthenticationRequest', () => new errors.InvalidRequest('the request has already been decided')],
]);

export interface RecordAdapterOptions {
  /** Every authorization server on the store has the same secret. */
  readonly secret: string;
  readonly store: TokenStore;
  /** Collects the writes of a token request. */
  readonly units: UnitsOfWork;
  readonly isWithinGrace: IsWithinGrace;
  readonly caller: () => Caller;
  /** Lifetime in seconds of a session in which no user has signed in. */
  readonly anonymousSession: number;
  /** Returns when the current request began, in epoch milliseconds; undefined outside a request. */
  readonly requestedAt: () => number | undefined;
}

/** oidc-provider's Adapter over the token store. */
export function createRecordAdapter(options: RecordAdapterOptions) {
  const { secret, store, units, isWithinGrace } = options;

  return (kind: string): Adapter => {
    const records = store.records(kind, secret);
    const written = () => (UNIT_OF_WORK_KINDS.has(kind) ? units.current()?.records(kind) : undefined) ?? records;
    const payloadOrNothing = (payload: RecordPayload | undefined) => payload as AdapterPayload | undefined;
    return {
      upsert: createUpsert(kind, { ...options, records, written }),
      async find(id) {
        const payload = payloadOrNothing(await mapStoreErrors(records.find(id)));
        // At the token endpoint only: oidc-provider would revoke the grant. Revocation, for example, may find used records.
        if (units.current() !== undefined && isWithinGrace(kind, payload?.consumed)) throw new GrantAlreadyUsed();
        return payload;
      },
      findByUid: async (uid) => payloadOrNothing(await mapStoreErrors(records.findByUid(uid))),
      findByUserCode: async (userCode) => payloadOrNothing(await mapStoreErrors(records.findByUserCode(userCode))),
      destroy: (id) => mapStoreErrors(records.destroy(id)),
      revokeByGrantId: (grantId) => mapStoreErrors(records.revokeByGrantId(grantId)),
      async consume(id) {
        // oidc-provider has checked for an earlier use, but only the store can decide between concurrent ones.
        if (!(await mapStoreErrors(written().consume(id)))) throw alreadyUsed(kind);
      },
    };
  };
}

interface Writing extends Pick<RecordAdapterOptions, 'caller' | 'anonymousSession' | 'requestedAt'> {
  readonly records: ReturnType<TokenStore['records']>;
  /** The unit of work of the current token request; the store for other requests and kinds. */
  readonly written: () => Pick<ReturnType<TokenStore['records']>, 'upsert'>;
}

/** Creates the write of a kind of records. */
function createUpsert(kind: string, writing: Writing): Adapter['upsert'] {
  const { records, written, caller, anonymousSession, requestedAt } = writing;
  const write = (id: string, payload: AdapterPayload, expiresIn = MAX_LIFETIME): Promise<void> => {
    const owned = withOwners(kind, payload);
    if (!isAnonymous(kind, payload, caller())) return written().upsert(id, owned, expiresIn, requestedAt());
    const lifetime = kind === 'Session' ? Math.min(expiresIn, anonymousSession) : expiresIn;
    return records.upsertAnonymous(id, owned, lifetime, requestedAt());
  };
  const upsert: Adapter['upsert'] = (...record) => mapStoreErrors(write(...record));

  /** oidc-provider has checked for a replay, but only the store can decide between concurrent uses. */
  const upsertOnce: Adapter['upsert'] = async (id, payload, expiresIn) => {
    await upsert(id, payload, expiresIn);
    if (!(await mapStoreErrors(records.consume(id)))) throw new ConcurrentReplay();
  };

  /** oidc-provider has checked for a decision, but only the store can decide between concurrent ones. */
  const upsertDecision = (refuse: () => Error): Adapter['upsert'] => {
    return async (id, payload, expiresIn = MAX_LIFETIME) => {
      const step = decisionStep(payload);
      if (step === undefined) return upsert(id, payload, expiresIn);
      const advanced = records.advance(id, payload, expiresIn, step, requestedAt());
      if (!(await mapStoreErrors(advanced))) throw refuse();
    };
  };

  /** A session that ended during a request stays ended: the write of the request is dropped. */
  const upsertSession: Adapter['upsert'] = (...record) =>
    mapStoreErrors(
      write(...record).catch((error) => {
        if (!(error instanceof GrantRevokedError)) throw error;
      }),
    );

  if (kind === 'ReplayDetection') return upsertOnce;
  if (kind === 'Session') return upsertSession;
  const refuseDecision = DECIDED_BY_USERS.get(kind);
  return refuseDecision ? upsertDecision(refuseDecision) : upsert;
}

/** The same errors as oidc-provider's own. */
function alreadyUsed(kind: string): Error {
  if (kind !== 'PushedAuthorizationRequest') return new GrantAlreadyUsed();
  return new errors.InvalidRequestUri('the request_uri has already been used');
}

/** 1: a user has confirmed the code; 2: the user has decided; undefined before both. */
function decisionStep({ inFlight, grantId, error }: AdapterPayload): number | undefined {
  if (grantId !== undefined || error !== undefined) return 2;
  return inFlight === true ? 1 : undefined;
}

/** Adds client and user to an interaction, so that removing either of them ends it. */
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

/** Another request used the proof or assertion after this one had checked for a replay. */
class ConcurrentReplay extends errors.InvalidRequest {
  constructor() {
    super('the proof or assertion has already been used');
  }
}

/** Makes a concurrent replay look to oidc-provider like a later one, so that both get the same error. */
export function refuseConcurrentReplays({ ReplayDetection }: Provider): void {
  const unique = ReplayDetection.unique.bind(ReplayDetection);
  ReplayDetection.unique = (...args) =>
    unique(...args).catch((error) => {
      if (error instanceof ConcurrentReplay) return false;
      throw error;
    });
}

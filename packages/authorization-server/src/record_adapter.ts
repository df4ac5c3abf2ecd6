import type { RecordPayload, TokenStore } from '@tallystick/token-store';
import { type Adapter, type AdapterPayload, errors, type Provider } from 'oidc-provider';
import { answeringForTheStore } from './store_unavailable.ts';

/** Seconds that a record lives which oidc-provider gives no lifetime: no entry stays for ever. */
const LONGEST_LIFE = 365 * 24 * 60 * 60;

/**
 * oidc-provider's Adapter over the token store.
 *
 * @param requestedAt when the current request began, in epoch milliseconds; undefined outside a request
 */
export function createRecordAdapter(store: TokenStore, requestedAt: () => number | undefined) {
  return (kind: string): Adapter => {
    const records = store.records(kind);
    const upsert: Adapter['upsert'] = (id, payload, expiresIn = LONGEST_LIFE) =>
      answeringForTheStore(records.upsert(id, payload, expiresIn, requestedAt()));

    /** oidc-provider looked before; of two at the same time only the store can tell which came first. */
    const upsertOnce: Adapter['upsert'] = async (id, payload, expiresIn) => {
      await upsert(id, payload, expiresIn);
      if (!(await answeringForTheStore(records.consume(id))))
        throw new errors.InvalidRequest('a proof or assertion was used before');
    };

    const payloadOrNothing = (payload: RecordPayload | undefined) => payload as AdapterPayload | undefined;
    return {
      upsert: kind === 'ReplayDetection' ? upsertOnce : upsert,
      find: async (id) => payloadOrNothing(await answeringForTheStore(records.find(id))),
      findByUid: async (uid) => payloadOrNothing(await answeringForTheStore(records.findByUid(uid))),
      findByUserCode: async (userCode) =>
        payloadOrNothing(await answeringForTheStore(records.findByUserCode(userCode))),
      destroy: (id) => answeringForTheStore(records.destroy(id)),
      revokeByGrantId: (grantId) => answeringForTheStore(records.revokeByGrantId(grantId)),
      async consume(id) {
        // oidc-provider looked before; only the store can tell which of two concurrent redemptions came first.
        if (!(await answeringForTheStore(records.consume(id))))
          throw new errors.InvalidGrant(`${kind} already consumed`);
      },
    };
  };
}

/** When the request that oidc-provider is handling began. */
export function requestStart(provider: typeof Provider): number | undefined {
  return provider.ctx?.state.requestedAt as number | undefined;
}

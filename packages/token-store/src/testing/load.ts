import { setImmediate as turn } from 'node:timers/promises';
import { until } from '@tallystick/testing/until';
import { StoreUnavailableError, type TokenStore } from '../index.ts';
import { SECRET } from './store_under_test.ts';

export interface Outcome {
  /** Tokens whose write was acknowledged, and that were not destroyed. */
  readonly issued: readonly string[];
  /** Number of successful operations. */
  readonly answers: number;
  /** Number of StoreUnavailableErrors. */
  readonly unavailable: number;
  /** Other errors, and wrong answers. */
  readonly wrong: readonly string[];
}

export interface Load {
  /** The outcome until now. */
  outcome(): Outcome;
  /** Resolves when each worker has had many successes in a row. */
  recovered(): Promise<void>;
  stop(): Promise<Outcome>;
}

/** Number of successes in a row after which a worker counts as recovered. */
const IN_A_ROW = 50;

/** Issues tokens, looks them up and consumes refresh tokens, in several workers, without a pause. */
export function startLoad(store: TokenStore, name: string, workers = 6): Load {
  const issued: string[] = [];
  const wrong: string[] = [];
  const inARow = Array.from({ length: workers }, () => 0);
  let [answers, unavailable, isStopping] = [0, 0, false];

  async function work(worker: number) {
    for (let round = 0; !isStopping; round++) {
      try {
        await (round % 3 === 0 ? issue(`${name}-${worker}-${round}`) : lookUp());
        answers++;
        inARow[worker] = Number(inARow[worker]) + 1;
      } catch (error) {
        if (error instanceof StoreUnavailableError) unavailable++;
        else wrong.push(String(error));
        inARow[worker] = 0;
      }
      await turn();
    }
  }

  /** Acts as a token request does: consumes a refresh token, and issues an access token and the next refresh token. */
  async function issue(id: string) {
    await store.records('RefreshToken', SECRET).upsert(`${id}-refresh`, { grantId: `grant of ${id}` }, 600);
    const request = store.begin(SECRET);
    await request.records('RefreshToken').consume(`${id}-refresh`);
    await request.records('AccessToken').upsert(id, { grantId: `grant of ${id}`, signingInput: `${id}.input` }, 600);
    await request.records('RefreshToken').upsert(`${id}-next`, { grantId: `grant of ${id}` }, 600);
    await request.commit();
    issued.push(id);
  }

  async function lookUp() {
    const id = issued[Math.floor(Math.random() * issued.length)];
    if (id === undefined) return;
    const [entry, record] = await Promise.all([
      store.splitEntries.find(id),
      store.records('AccessToken', SECRET).find(id),
    ]);
    if (entry !== `${id}.input` || record === undefined) wrong.push(`${id} was not found, though it was issued`);
  }

  const working = Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)));
  const outcome = () => ({ issued, answers, unavailable, wrong });
  return {
    outcome,
    async recovered() {
      inARow.fill(0);
      await until(
        () => inARow.every((count) => count >= IN_A_ROW),
        () => ({ inARow, wrong, unavailable }),
      );
    },
    async stop() {
      isStopping = true;
      await working;
      return outcome();
    },
  };
}

/** The issued tokens that the store lacks. */
export async function lost(store: TokenStore, issued: readonly string[]): Promise<string[]> {
  const found = await Promise.all(issued.map((id) => store.splitEntries.find(id)));
  return issued.filter((_, index) => found[index] === undefined);
}

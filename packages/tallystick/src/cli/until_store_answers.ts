import { StoreUnavailableError, type TokenStore } from '@tallystick/token-store';

const INTERVAL = 500;
const PATIENCE = 30_000;

/**
 * Waits for a store that is still starting, as containers are started in no certain order, and says what it waits for.
 *
 * @throws {StoreUnavailableError} it did not answer in 30 seconds
 */
export async function untilStoreAnswers(store: TokenStore): Promise<void> {
  let told = '';
  for (let waited = 0; ; waited += INTERVAL) {
    try {
      await store.ping();
      return;
    } catch (error) {
      if (!(error instanceof StoreUnavailableError) || waited >= PATIENCE) throw error;
      if (error.message !== told) console.error(`waiting for the token store (${error.message})`);
      told = error.message;
      await new Promise((resolve) => setTimeout(resolve, INTERVAL));
    }
  }
}

import type { Readiness } from '@tallystick/common';
import { StoreUnavailableError, type TokenStore } from '@tallystick/token-store';

/** Whether the store of a role answers. */
export async function readinessOf(store: Pick<TokenStore, 'ping' | 'warnings'>): Promise<Readiness> {
  try {
    await store.ping();
    return { unready: [], reasons: {}, warnings: store.warnings() };
  } catch (error) {
    const reasons = error instanceof StoreUnavailableError ? { 'token-store': error.reason } : {};
    return { unready: ['token-store'], reasons, warnings: store.warnings() };
  }
}

/** For a role that needs nothing but itself. */
export async function alwaysReady(): Promise<Readiness> {
  return { unready: [], reasons: {}, warnings: [] };
}

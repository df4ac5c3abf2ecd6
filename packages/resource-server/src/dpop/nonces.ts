import { createHmac, hkdfSync } from 'node:crypto';
import { sameText } from '@tallystick/common';
import { requireFunction, requireNumber, requireString } from '../options.ts';

/** Options of {@link createDPoPNonces}. */
export interface DPoPNoncesOptions {
  /** Shared by all processes that accept each other's nonces. */
  readonly secret: string;
  /** Seconds after which a new nonce replaces the current one. The previous one is accepted for one more period. Default: 60. */
  readonly period?: number;
}

/** Nonces for DPoP proofs (RFC 9449 section 9). */
export interface DPoPNonces {
  /** The nonce to send to clients now. */
  current(): string;
  accepts(nonce: string): boolean;
  /** The longest time in seconds for which a nonce is accepted. */
  readonly lifetime: number;
}

/**
 * Creates nonces without storing them. Each is an HMAC of its period, so every process with the same secret creates and accepts
 * the same nonces, and nobody else can predict one. A nonce does not prevent replay within its period: the `jti` of the proof does.
 *
 * @throws TypeError for an option of the wrong type
 */
export function createDPoPNonces(options: DPoPNoncesOptions, dependencies: { now?: () => number } = {}): DPoPNonces {
  const { secret, period = 60 } = options;
  const { now = () => Date.now() } = dependencies;
  requireString('secret', secret);
  requireNumber('period', period, 1);
  requireFunction('now', now);

  const key = Buffer.from(hkdfSync('sha256', secret, '', 'tallystick dpop nonce', 32));
  const make = (step: number) => createHmac('sha256', key).update(String(step)).digest('base64url');
  let latest: { step: number; previous: string; current: string; next: string } | undefined;

  function acceptable() {
    const step = Math.floor(now() / 1000 / period);
    if (latest?.step !== step) latest = { step, previous: make(step - 1), current: make(step), next: make(step + 1) };
    return latest;
  }

  return {
    lifetime: 3 * period,
    current: () => acceptable().current,
    accepts(nonce) {
      // The next nonce may come from a process whose clock is slightly ahead.
      const { previous, current, next } = acceptable();
      return [current, previous, next].some((expected) => sameText(nonce, expected));
    },
  };
}

import { createHmac, hkdfSync } from 'node:crypto';
import { sameText } from '@tallystick/common';
import { requireFunction, requireNumber, requireString } from '../options.ts';

/** Options of {@link createDPoPNonces}. */
export interface DPoPNoncesOptions {
  /** What every process that is to accept the nonces of the others knows. */
  readonly secret: string;
  /** Seconds until there is a new one; 60 by default. The one before is accepted for as long again. */
  readonly period?: number;
}

/** Nonces for DPoP proofs (RFC 9449 section 9). */
export interface DPoPNonces {
  /** The one that clients are given now. */
  current(): string;
  accepts(nonce: string): boolean;
  /** Seconds for which one is accepted, at most. */
  readonly lifetime: number;
}

/**
 * Makes nonces that need not be kept: each is an HMAC over its period of time, so that every process with the same secret
 * makes and accepts the same ones, and nobody can make one ahead of its time. That a proof counts once is for its `jti` to see to.
 *
 * @throws TypeError for a badly typed option.
 */
export function createDPoPNonces(options: DPoPNoncesOptions, dependencies: { now?: () => number } = {}): DPoPNonces {
  const { secret, period = 60 } = options;
  const { now = () => Date.now() } = dependencies;
  requireString('secret', secret);
  requireNumber('period', period, 1);
  requireFunction('now', now);

  const key = Buffer.from(hkdfSync('sha256', secret, '', 'tallystick dpop nonce', 32));
  const make = (step: number) => createHmac('sha256', key).update(String(step)).digest('base64url');
  let made: { step: number; previous: string; current: string; next: string } | undefined;

  function around() {
    const step = Math.floor(now() / 1000 / period);
    if (made?.step !== step) made = { step, previous: make(step - 1), current: make(step), next: make(step + 1) };
    return made;
  }

  return {
    lifetime: 3 * period,
    current: () => around().current,
    accepts(nonce) {
      // The next one may come from a process whose clock is a little ahead.
      const { previous, current, next } = around();
      return [current, previous, next].some((acceptable) => sameText(nonce, acceptable));
    },
  };
}

import type { CapturedLog } from './captured_log.ts';

/** A running Tallystick. Tests use its public interfaces only. */
export interface World {
  readonly issuer: string;
  /** One or more gateways on one store. */
  readonly gateways: readonly [string, ...string[]];
  readonly sampleApi: string;
  /** The CA that clients must trust, as PEM, if the servers speak HTTPS. */
  readonly ca?: string;
  readonly log: CapturedLog;
  stop(): Promise<void>;
}

export const STYLES = ['jwt', 'opaque', 'phantom', 'split'] as const;
export type Style = (typeof STYLES)[number];

export const resourceOf = (style: Style) => `https://api.example.com/${style}`;

/** The configuration that `npm start` runs. */
export const DEMO_CONFIG = new URL('../../../tallystick.config.yaml', import.meta.url).pathname;

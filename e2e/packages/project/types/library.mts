import { ConfigError, type ConfigInput, startTallystick, type Tallystick } from 'tallystick';

const config: ConfigInput = { apis: [{ resource: 'https://orders.example', accessTokens: 'split', scopes: ['read'] }] };
const tally: Tallystick = await startTallystick(config);
const answer: Response = await tally.fetch('/orders', { as: 'alice', scopes: ['read'] });
const style: 'jwt' | 'opaque' | 'phantom' | 'split' | undefined = tally.config.apis[0]?.accessTokens;
await tally.stop();

// @ts-expect-error The style is misspelt.
await startTallystick({ apis: [{ resource: 'https://orders.example', accessTokens: 'spilt', scopes: ['read'] }] });

export const seen = [answer.status, style, ConfigError] as const;

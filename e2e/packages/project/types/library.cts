import tallystick = require('tallystick');
import resourceServer = require('@tallystick/resource-server');

const { startTallystick, ConfigError } = tallystick;
const options: tallystick.StartOptions = { config: 'tallystick.config.yaml' };

export async function run(): Promise<string> {
  const tally: tallystick.Tallystick = await startTallystick(options);
  await tally.stop();
  return tally.issuer;
}

export const errors = [ConfigError, resourceServer.AccessTokenError] as const;

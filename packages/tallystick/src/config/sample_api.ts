import { credentials, origin, port, roleTimeouts } from '@tallystick/common/config';
import { z } from 'zod';

export const sampleApi = z.strictObject({
  port: port.default(4200),
  timeouts: roleTimeouts,
  url: origin.optional().describe('How the gateway reaches the sample API. Default: on this machine, at its port.'),
  client: credentials.describe("The sample API's own client, with which it introspects opaque tokens."),
});

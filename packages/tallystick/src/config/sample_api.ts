import { credentials, origin, port, roleTimeouts } from '@tallystick/common/config';
import { z } from 'zod';

export const sampleApi = z.strictObject({
  port: port.default(4200),
  timeouts: roleTimeouts,
  url: origin
    .optional()
    .describe('Address at which the gateway reaches the sample API. Default: its port on this machine.'),
  client: credentials
    .optional()
    .describe(
      'Client with which the sample API introspects opaque tokens. Default: a client of its own, as for the gateway.',
    ),
});

import { hostPattern, port, serverTimeouts } from '@tallystick/common/config';
import { z } from 'zod';

export const controlApi = z.strictObject({
  enabled: z.boolean().default(false).describe('Serves the control API, with which tests control the servers.'),
  port: port.default(4300),
  timeouts: serverTimeouts,
  host: z
    .string()
    .min(1)
    .default('localhost')
    .describe('Address to listen on. Anyone who can reach it controls all servers.'),
  allowedHosts: z
    .array(hostPattern)
    .default([])
    .describe('Additional values of `Host` that it accepts, beside the names of this machine.'),
});

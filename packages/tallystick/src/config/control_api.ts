import { hostPattern, port, serverTimeouts } from '@tallystick/common/config';
import { z } from 'zod';

export const controlApi = z.strictObject({
  enabled: z.boolean().default(false).describe('Serve the control API, with which tests provoke and watch.'),
  port: port.default(4300),
  timeouts: serverTimeouts,
  host: z.string().min(1).default('localhost').describe('Address to listen on. Who reaches it can do anything.'),
  allowedHosts: z
    .array(hostPattern)
    .default([])
    .describe('Host names, beside those of this machine, under which it may be reached.'),
});

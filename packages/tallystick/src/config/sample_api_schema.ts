import { z } from 'zod';
import { credentials, origin, port } from './common_schema.ts';

export const sampleApi = z.strictObject({
  port: port.default(4200),
  url: origin.default('http://localhost:4200').describe('How the gateway reaches the sample API.'),
  client: credentials.describe("The sample API's own client, with which it introspects opaque tokens."),
});

import { authorizationServerConfig } from '@tallystick/authorization-server/config';
import { origin } from '@tallystick/common/config';
import { z } from 'zod';

/** An API of the authorization server, with the server behind it. */
export const apiSchema = authorizationServerConfig.shape.apis.unwrap().element.safeExtend({
  upstream: origin.optional().meta({
    description: 'Origin of the API, for routes without an upstream of their own. Default: the sample API.',
    examples: ['http://localhost:3000'],
  }),
});

/** An API on this machine has the same name and address. */
const shortApi = origin
  .transform((url): z.input<typeof apiSchema> => ({ resource: url, upstream: url }))
  .pipe(apiSchema);

export const apisSchema = z
  .array(z.union([shortApi, apiSchema]))
  .default([])
  .meta({
    description:
      'The APIs for which clients get access tokens. The origin of a server, such as `http://localhost:3000`, stands for an API with this resource indicator and this upstream.',
    examples: [['http://localhost:3000'], [{ resource: 'https://api.example.com/orders', scopes: ['read'] }]],
  });

import { z } from 'zod';
import type { Harness } from '../harness/harness.ts';
import { issuerRoutes } from './issuer_route.ts';
import type { Route } from './route.ts';

export function resetRoutes(harness: Harness): Route[] {
  const issuerRoute = issuerRoutes(harness);
  return [
    issuerRoute({
      method: 'POST',
      path: '/reset',
      operationId: 'reset',
      summary: 'Back to the configured state',
      body: z.strictObject({}),
      answers: {
        200: { description: 'How long it took', schema: z.object({ milliseconds: z.number() }) },
      },
      handle: async ({ issuer }) => ({ status: 200, body: await issuer.reset() }),
    }),
  ];
}

import { z } from 'zod';
import type { Harness } from '../harness.ts';
import { type Route, route } from './route.ts';

export function resetRoutes({ reset }: Harness): Route[] {
  return [
    route({
      method: 'POST',
      path: '/reset',
      operationId: 'reset',
      summary: 'Back to the configured state',
      body: z.strictObject({}),
      answers: {
        200: { description: 'How long it took', schema: z.object({ milliseconds: z.number() }) },
      },
      handle: async () => ({ status: 200, body: await reset() }),
    }),
  ];
}

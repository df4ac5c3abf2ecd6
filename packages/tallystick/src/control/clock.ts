import { z } from 'zod';
import type { Harness } from '../harness/harness.ts';
import { type Route, route } from './route.ts';

const reading = z.object({
  now: z.iso.datetime(),
  ahead: z.number().describe('Seconds by which it is ahead of real time.'),
});

export function clockRoutes({ clock }: Harness): Route[] {
  const read = () => ({ status: 200, body: { now: new Date(clock.now()).toISOString(), ahead: clock.ahead } });
  const moved = {
    200: { description: 'What time it is now', schema: reading },
    409: { description: 'The store has a clock of its own: only with the memory store can the clock be moved' },
  };
  return [
    route({
      method: 'GET',
      path: '/clock',
      operationId: 'readClock',
      summary: 'What time the authorization server, the gateway and the sample API believe it is',
      answers: { 200: { description: 'What time it is', schema: reading } },
      handle: read,
    }),
    route({
      method: 'PUT',
      path: '/clock',
      operationId: 'setClock',
      summary: 'Set the clock; it goes on from there',
      body: z.strictObject({ now: z.iso.datetime({ offset: true }) }),
      answers: moved,
      handle({ body }) {
        clock.set(new Date(body.now));
        return read();
      },
    }),
    route({
      method: 'POST',
      path: '/clock/advance',
      operationId: 'advanceClock',
      summary: 'Advance the clock, or set it back',
      body: z.strictObject({ seconds: z.number().describe('Negative to go back.') }),
      answers: moved,
      handle({ body }) {
        clock.advance(body.seconds);
        return read();
      },
    }),
    route({
      method: 'DELETE',
      path: '/clock',
      operationId: 'resetClock',
      summary: 'Back to real time',
      answers: { 200: { description: 'What time it is', schema: reading } },
      handle() {
        clock.reset();
        return read();
      },
    }),
  ];
}

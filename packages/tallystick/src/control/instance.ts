import { z } from 'zod';
import { tenantSchema } from '../config/schema.ts';
import { type Harness, newIssuerSchema } from '../harness/harness.ts';
import { issuerRoutes, type Route, route } from './route.ts';

export function issuerRoutesOfServer(harness: Harness): Route[] {
  const read = () => ({ status: 200, body: { issuer: harness.issuer } });
  const answers = { 200: { description: 'The issuer', schema: newIssuerSchema } };
  return [
    route({
      method: 'GET',
      path: '/issuer',
      operationId: 'readIssuer',
      summary: 'Read the issuer identifier of the authorization server',
      answers,
      handle: read,
    }),
    route({
      method: 'PUT',
      path: '/issuer',
      operationId: 'setIssuer',
      summary: 'Give the authorization server another issuer identifier, when the port that clients use is known',
      body: newIssuerSchema,
      answers,
      async handle({ body }) {
        await harness.setIssuer(body.issuer);
        return read();
      },
    }),
  ];
}

const clockReading = z.object({
  now: z.iso.datetime(),
  ahead: z.number().describe('Seconds ahead of real time.'),
});

export function clockRoutes({ clock }: Harness): Route[] {
  const read = () => ({ status: 200, body: { now: new Date(clock.now()).toISOString(), ahead: clock.ahead } });
  const moveAnswers = {
    200: { description: 'The new time', schema: clockReading },
    409: { description: 'The clock cannot be moved, because the store is not the memory store' },
  };
  return [
    route({
      method: 'GET',
      path: '/clock',
      operationId: 'readClock',
      summary: 'Read the clock of the authorization server, the gateway and the sample API',
      answers: { 200: { description: 'The current time', schema: clockReading } },
      handle: read,
    }),
    route({
      method: 'PUT',
      path: '/clock',
      operationId: 'setClock',
      summary: 'Set the clock; it keeps running',
      body: z.strictObject({ now: z.iso.datetime({ offset: true }) }),
      answers: moveAnswers,
      handle({ body }) {
        clock.set(new Date(body.now));
        return read();
      },
    }),
    route({
      method: 'POST',
      path: '/clock/advance',
      operationId: 'advanceClock',
      summary: 'Move the clock forward or back',
      body: z.strictObject({ seconds: z.number().describe('A negative number moves the clock back.') }),
      answers: moveAnswers,
      handle({ body }) {
        clock.advance(body.seconds);
        return read();
      },
    }),
    route({
      method: 'DELETE',
      path: '/clock',
      operationId: 'resetClock',
      summary: 'Reset the clock to real time',
      answers: { 200: { description: 'The current time', schema: clockReading } },
      handle() {
        clock.reset();
        return read();
      },
    }),
  ];
}

const tenant = z.object({ id: z.string(), issuer: z.string() });

export function tenantRoutes({ tenants }: Harness): Route[] {
  return [
    route({
      method: 'GET',
      path: '/tenants',
      operationId: 'listTenants',
      summary: 'List the tenants',
      answers: { 200: { description: 'All tenants', schema: z.object({ tenants: z.array(tenant) }) } },
      handle: () => ({ status: 200, body: { tenants: tenants.list() } }),
    }),
    route({
      method: 'POST',
      path: '/tenants',
      operationId: 'createTenant',
      summary: 'Create an issuer with its own clients, users, keys, faults and records',
      body: tenantSchema,
      answers: {
        201: { description: 'The id and the issuer identifier of the tenant', schema: tenant },
        409: { description: 'A tenant with this id exists' },
      },
      async handle({ body }) {
        const { issuer } = await tenants.create(body);
        return { status: 201, body: { id: body.id, issuer } };
      },
    }),
    route({
      method: 'DELETE',
      path: '/tenants/{id}',
      operationId: 'removeTenant',
      summary: 'Remove a tenant with its faults and records',
      answers: { 204: { description: 'The tenant was removed' }, 404: { description: 'No tenant with this id' } },
      handle: async ({ parameters }) => ({ status: (await tenants.remove(String(parameters.id))) ? 204 : 404 }),
    }),
  ];
}

export function resetRoutes(harness: Harness): Route[] {
  const issuerRoute = issuerRoutes(harness);
  return [
    issuerRoute({
      method: 'POST',
      path: '/reset',
      operationId: 'reset',
      summary: 'Restore the configured state',
      body: z.strictObject({}),
      answers: {
        200: { description: 'The time it took', schema: z.object({ milliseconds: z.number() }) },
      },
      handle: async ({ issuer }) => ({ status: 200, body: await issuer.reset() }),
    }),
  ];
}

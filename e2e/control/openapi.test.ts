import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import createClient from 'openapi-fetch';
import { requirement } from '../requirements/index.ts';
import { type Controlled, startControlled } from '../support/worlds/controlled.ts';
import { resourceOf } from '../support/worlds/world.ts';

let world: Controlled;
beforeAll(async () => {
  world = await startControlled();
});
afterAll(() => world.stop());

test(requirement('control-api-described', 'as Redocly recommends'), async () => {
  const source = await (await fetch(`${world.controlUrl}/openapi.json`)).text();
  const config = await createConfig({ extends: ['recommended'] });
  const problems = await lintFromString({ source, absoluteRef: 'openapi.json', config });
  expect(problems.map(({ ruleId, message }) => `${ruleId}: ${message}`)).toEqual([]);
});

interface Token {
  readonly accessToken: string;
}

/** The part of the document that the test uses, as openapi-typescript would generate it. */
interface Paths {
  '/tokens': {
    post: {
      requestBody: { content: { 'application/json': { user: string; api: string; scopes?: string[] } } };
      responses: { 201: { content: { 'application/json': Token } } };
    };
  };
  '/tokens/revocation': {
    post: {
      requestBody: { content: { 'application/json': { token: string } } };
      responses: { 200: { content: { 'application/json': { revoked: boolean } } } };
    };
  };
}

test(requirement('control-api-described', 'a client made for OpenAPI calls it'), async () => {
  const client = createClient<Paths>({ baseUrl: world.controlUrl });
  const { data } = await client.POST('/tokens', { body: { user: 'alice', api: resourceOf('split') } });
  const token = String(data?.accessToken);
  world.log.secret(token);
  expect((await world.tallystick.fetch('/split/hello', { token })).status).toBe(200);
  expect((await client.POST('/tokens/revocation', { body: { token } })).data).toEqual({ revoked: true });
  expect((await world.tallystick.fetch('/split/hello', { token })).status).toBe(401);
  const { error } = await client.POST('/tokens', { body: { user: 'alice', api: 'https://unknown.example' } });
  expect(error).toMatchObject({ error: 'invalid_request', path: 'api' });
});

import type { RequestListener } from 'node:http';
import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { serve } from '@tallystick/testing/serve';
import { createIntrospectionValidator, type IntrospectionValidatorOptions } from './introspection_validator.ts';
import { answering } from './testing/jwks_server.ts';
import { audience, issuedAt, issuer } from './testing/sign_access_token.ts';

const active = { active: true, aud: audience, iss: issuer, sub: 'alice', scope: 'read', exp: issuedAt + 1 };
const answeringJson = (json: unknown, status = 200) =>
  answering(status, JSON.stringify(json), { 'content-type': 'application/json; charset=utf-8' });

/** Starts an introspection endpoint with this answer, and a validator that calls it. */
async function setUp(answer: RequestListener, options: Partial<IntrospectionValidatorOptions> = {}) {
  const requests: { method?: string; headers: Record<string, unknown>; body: string }[] = [];
  const { origin: url, stop } = await serve(async (req, res) => {
    const body = Buffer.concat(await req.toArray()).toString();
    requests.push({ method: req.method ?? '', headers: req.headers, body });
    answer(req, res);
  });
  const validator = createIntrospectionValidator(
    { introspectionEndpoint: `${url}/introspect`, clientId: 'orders-api', clientSecret: 'pw', audience, ...options },
    { now: () => issuedAt * 1000 },
  );
  return { validator, requests, stop };
}

describe('an introspection validator', () => {
  test('accepts an active token and returns its claims', async () => {
    const { validator } = await setUp(answeringJson(active));
    const { active: _, ...claims } = active;
    await expect(validator.validate('reference')).resolves.toEqual(claims);
  });

  test('sends the request of RFC 7662 with the credentials of RFC 6749 section 2.3.1', async () => {
    const { validator, requests } = await setUp(answeringJson(active), {
      clientId: 'orders:api',
      clientSecret: 'p w%+ü',
    });
    await validator.validate('a+b/c=');
    expect(requests).toEqual([
      {
        method: 'POST',
        headers: expect.objectContaining({
          accept: 'application/json',
          'content-type': expect.stringContaining('application/x-www-form-urlencoded'),
          authorization: `Basic ${Buffer.from('orders%3Aapi:p+w%25%2B%C3%BC').toString('base64')}`,
        }),
        body: 'token=a%2Bb%2Fc%3D&token_type_hint=access_token',
      },
    ]);
  });

  test('asks again for every call', async () => {
    const { validator, requests } = await setUp(answeringJson(active));
    await validator.validate('reference');
    await validator.validate('reference');
    expect(requests).toHaveLength(2);
  });

  test.each([
    ['an audience among others', { aud: ['https://other.example.com', audience] }],
    ['no exp, iss and scope, which are optional', { exp: undefined, iss: undefined, scope: undefined }],
  ])('accepts %s', async (_, claims) => {
    const { validator } = await setUp(answeringJson({ ...active, ...claims }), { issuer });
    await expect(validator.validate('reference')).resolves.toBeDefined();
  });

  test.each([
    ['an inactive token', { active: false }, 'the token is not active'],
    ['a token for another API', { aud: 'https://other.example.com' }, "the token's audience is not this API"],
    ['a token for no API', { aud: undefined }, "the token's audience is not this API"],
    ['an expired token', { exp: issuedAt }, 'the token has expired'],
    [
      'a token of another issuer',
      { iss: 'https://evil.example.com' },
      "the token's issuer is not the one this API trusts",
    ],
  ])('refuses %s', async (_, claims, description) => {
    const { validator } = await setUp(answeringJson({ ...active, ...claims }), { issuer });
    await expect(validator.validate('reference')).rejects.toMatchObject({ code: 'invalid_token', description });
  });

  test.each([401, 403])('throws ValidatorRefusedError when the answer is %d', async (status) => {
    const { validator } = await setUp(answeringJson({ error: 'invalid_client' }, status));
    await expect(validator.validate('reference')).rejects.toMatchObject({ code: 'validator_refused', status: 502 });
  });

  const json = { 'content-type': 'application/json' };
  test.each([
    ['429', answeringJson(active, 429)],
    ['500', answeringJson(active, 500)],
    ['503', answeringJson(active, 503)],
    ['a broken connection', ((req) => req.socket.destroy()) as RequestListener],
    [
      'a truncated body',
      ((_, res) => {
        res.writeHead(200, { ...json, 'content-length': '1000' });
        res.write(JSON.stringify(active), () => res.destroy());
      }) as RequestListener,
    ],
  ])('is unavailable, and blames no token, when the answer is %s', async (_, answer) => {
    const { validator } = await setUp(answer);
    await expect(validator.validate('reference')).rejects.toMatchObject({
      code: 'temporarily_unavailable',
      status: 503,
      retryAfter: 1,
    });
  });

  test.each([
    ['400', answeringJson(active, 400)],
    ['404', answeringJson(active, 404)],
    ['a redirect', answering(307, '', { location: '/elsewhere' })],
    ['no content', answering(204)],
    ['HTML', answering(200, '<html>', { 'content-type': 'text/html' })],
    ['JSON with the media type of HTML', answering(200, JSON.stringify(active), { 'content-type': 'text/html' })],
    ['JSON without a media type', answering(200, JSON.stringify(active))],
    ['HTML with the media type of JSON', answering(200, '<html>', json)],
    ['nothing', answering(200, '', json)],
    ['half of it', answering(200, '{"active":true,"aud":"', json)],
    ['null', answeringJson(null)],
    ['an array', answeringJson([active])],
    ['active missing', answeringJson({ ...active, active: undefined })],
    ['active as a string', answeringJson({ ...active, active: 'true' })],
    ['exp as a string', answeringJson({ ...active, exp: 'never' })],
    ['scopes that are numbers', answeringJson({ ...active, scope: [7] })],
    ['too much', answeringJson({ ...active, filler: 'a'.repeat(1024 * 1024) })],
  ])('throws InvalidValidatorResponseError when the answer is %s', async (_, answer) => {
    const { validator } = await setUp(answer);
    const error = await validator.validate('reference').catch((caught) => caught);
    expect(error).toMatchObject({ code: 'invalid_validator_response', status: 502 });
    expect(error).not.toHaveProperty('retryAfter');
  });

  test('reads scopes in a list', async () => {
    const { validator } = await setUp(answeringJson({ ...active, scope: ['read', 'write'] }));
    expect((await validator.validate('reference')).scope).toBe('read write');
  });

  test('is unavailable when there is no answer in time', async () => {
    const { validator } = await setUp(() => {}, { timeout: 50 });
    await expect(validator.validate('reference')).rejects.toMatchObject({ status: 503 });
  });

  test('is unavailable when the connection is refused', async () => {
    const { validator, stop } = await setUp(answeringJson(active));
    await stop();
    await expect(validator.validate('reference')).rejects.toMatchObject({ status: 503 });
  });

  test.each([
    ['echoed in malformed JSON', answering(200, 'secret-reference is not JSON', json)],
    ['inactive', answeringJson({ active: false, token: 'secret-reference' })],
    ['answered with an error', answering(500, 'secret-reference')],
    ['answered with a closed connection', ((req) => req.socket.destroy()) as RequestListener],
  ])('discloses neither token nor client secret in the error when the token is %s', async (_, answer) => {
    const { validator } = await setUp(answer, { clientSecret: 'secret-password' });
    const error = await validator.validate('secret-reference').catch((caught) => caught);
    expect(error).toBeInstanceOf(Error);
    expect(inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true })).not.toMatch(/secret-/);
  });

  test.each([
    { introspectionEndpoint: '/introspect' },
    { introspectionEndpoint: 'https://user:pw@login.example.com/introspect' },
    { clientId: '' },
    { clientSecret: '' },
    { audience: '' },
    { issuer: '' },
    { timeout: 0 },
  ])('cannot be created with %j', (options) => {
    const good = { introspectionEndpoint: 'https://login.example.com', clientId: 'a', clientSecret: 'b', audience };
    expect(() => createIntrospectionValidator({ ...good, ...options })).toThrow(TypeError);
  });
});

import { describe, expect, test } from '@jest/globals';
import { message, send } from '@tallystick/testing/raw_client';
import { serve } from '@tallystick/testing/serve';
import { presentedScheme, readAccessToken } from './read_access_token.ts';

const readBearerToken = (request: Parameters<typeof readAccessToken>[0]) => readAccessToken(request).token;
const withAuthorization = (value: string, url = '/') => ({ rawHeaders: ['Host', 'api', 'Authorization', value], url });

/** Sends the lines as they are, and reads the token from the request that Node.js parses. */
async function readFromWire(...lines: string[]): Promise<string> {
  const { port } = await serve((req, res) => {
    try {
      res.end(`token ${readBearerToken(req)}`);
    } catch (error) {
      res.end((error as { code: string }).code);
    }
  });
  return send(port, message([...lines, 'Host: api', 'Connection: close']));
}

describe('the scheme of an access token', () => {
  test.each([
    ['Bearer abc', 'Bearer'],
    ['bEaReR abc', 'Bearer'],
    ['DPoP abc', 'DPoP'],
    ['dpop  abc', 'DPoP'],
    ['DPOP abc', 'DPoP'],
  ])('of "%s" is %s', (value, scheme) => {
    expect(readAccessToken(withAuthorization(value))).toEqual({ scheme, token: 'abc' });
    expect(presentedScheme(withAuthorization(value))).toBe(scheme);
  });

  test.each(['DPoPs abc', 'Basic abc', '', 'dpop,abc'])('of "%s" is undefined', (value) => {
    expect(presentedScheme(withAuthorization(value))).toBeUndefined();
    expect(() => readAccessToken(withAuthorization(value))).toThrow(expect.objectContaining({ code: 'missing_token' }));
  });

  test.each(['DPoP', 'DPoP ', 'DPoP a b', 'DPoP\tabc', 'DPoP abc, Bearer def'])(
    'without one well-formed token is refused: "%s"',
    (value) => {
      expect(() => readAccessToken(withAuthorization(value))).toThrow(
        expect.objectContaining({ code: 'invalid_token' }),
      );
    },
  );

  test('must be one that the API supports', () => {
    const dpop = withAuthorization('DPoP abc');
    expect(() => readAccessToken(dpop, ['Bearer'])).toThrow(expect.objectContaining({ code: 'missing_token' }));
  });

  test('must be one only: a request with both is refused', () => {
    const rawHeaders = ['Authorization', 'Bearer abc', 'Authorization', 'DPoP abc'];
    expect(() => readAccessToken({ rawHeaders })).toThrow(
      expect.objectContaining({ code: 'invalid_request', status: 400 }),
    );
  });
});

describe('reading an access token', () => {
  test.each([
    ['in the usual form', 'Bearer abc', 'abc'],
    ['with the scheme in capitals', 'BEARER abc', 'abc'],
    ['with the scheme in small letters', 'bearer abc', 'abc'],
    ['after several spaces', 'Bearer    abc', 'abc'],
    ['with every character of b64token', 'Bearer aZ09-._~+/==', 'aZ09-._~+/=='],
  ])('finds the token %s', (_, value, token) => {
    expect(readBearerToken(withAuthorization(value))).toBe(token);
  });

  test('ignores the case of the header name', () => {
    expect(readBearerToken({ rawHeaders: ['AUTHORIZATION', 'Bearer abc'] })).toBe('abc');
  });

  test('is not misled by a header whose value is "authorization"', () => {
    const request = { rawHeaders: ['X-Name', 'authorization', 'Authorization', 'Bearer abc'] };
    expect(readBearerToken(request)).toBe('abc');
  });

  test.each([
    ['there is no Authorization header', { rawHeaders: ['Host', 'api'] }],
    ['the scheme is not for access tokens', withAuthorization('Basic YWxpY2U6cHc=')],
    ['the scheme only begins like Bearer', withAuthorization('Bearerer abc')],
    ['the header is empty', withAuthorization('')],
  ])('throws missing_token when %s', (_, request) => {
    expect(() => readBearerToken(request)).toThrow(expect.objectContaining({ code: 'missing_token', status: 401 }));
  });

  test.each([
    ['no token at all', 'Bearer'],
    ['only spaces', 'Bearer  '],
    ['a second token', 'Bearer abc def'],
    ['a parameter', 'Bearer abc, realm="x"'],
    ['a trailing space', 'Bearer abc '],
    ['a tab for a space', 'Bearer\tabc'],
    ['quotes', 'Bearer "abc"'],
    ['an equals sign inside', 'Bearer a=b'],
    ['only padding', 'Bearer =='],
    ['a letter that is not ASCII', 'Bearer äbc'],
    ['a line break', 'Bearer abc\n'],
  ])('calls the token invalid when Bearer is followed by %s', (_, value) => {
    expect(() => readBearerToken(withAuthorization(value))).toThrow(
      expect.objectContaining({ code: 'invalid_token', status: 401 }),
    );
  });

  test('refuses a request with two Authorization headers, even equal ones', () => {
    const rawHeaders = ['Authorization', 'Bearer abc', 'authorization', 'Bearer abc'];
    expect(() => readBearerToken({ rawHeaders })).toThrow(
      expect.objectContaining({ code: 'invalid_request', status: 400 }),
    );
  });

  test.each([
    '/?access_token=abc',
    '/?a=1&access_token=abc',
    '/?access_token',
    '/?access%5ftoken=abc',
    '/?%61ccess_token=abc',
    '/?broken=%E0%A4%A&access_token=abc',
    '/?%=%&%zz&access%5Ftoken=%',
    'http://api.example.com/?access_token=abc',
  ])('refuses a token in the query: %s', (url) => {
    const refusal = expect.objectContaining({ code: 'invalid_request', status: 400 });
    expect(() => readBearerToken(withAuthorization('Bearer abc', url))).toThrow(refusal);
    expect(() => readBearerToken({ rawHeaders: [], url })).toThrow(refusal);
  });

  test.each(['/?token=abc', '/access_token=abc', '/?%E0%A4%A', '/?a=access_token=b', '/?', ''])(
    'does not mind %j',
    (url) => {
      expect(readBearerToken(withAuthorization('Bearer abc', url))).toBe('abc');
    },
  );

  test('does not repeat text of the client in an error', () => {
    expect(() => readBearerToken(withAuthorization('Bearer secret junk'))).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('secret') }),
    );
  });

  test('takes time linear in the length of a hostile header', () => {
    const hostile = `Bearer ${'='.repeat(500_000)} ${' '.repeat(500_000)}x`;
    expect(() => readBearerToken(withAuthorization(hostile))).toThrow('well-formed');
  }, 2000);

  test('reads from the wire', async () => {
    await expect(readFromWire('GET / HTTP/1.1', 'authorization: bearer   abc  ')).resolves.toMatch(/token abc$/);
  });

  test('sees the second Authorization header that Node.js keeps out of req.headers', async () => {
    const answer = await readFromWire('GET / HTTP/1.1', 'Authorization: Bearer abc', 'Authorization: Bearer def');
    expect(answer).toMatch(/invalid_request$/);
  });
});

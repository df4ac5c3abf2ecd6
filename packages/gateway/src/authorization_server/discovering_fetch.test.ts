import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ListeningServer, listen } from '@tallystick/testing/listen';
import { createDiscoveringFetch, metadataUrls } from './discovering_fetch.ts';

let server: ListeningServer;
let requested: string[];
let answer: (request: IncomingMessage, response: ServerResponse) => void;
beforeEach(async () => {
  requested = [];
  const listening = createServer((request, response) => {
    requested.push(request.url ?? '');
    answer(request, response);
  });
  server = await listen(listening);
});
afterEach(() => server.stop());

/** Serves these paths only. */
function serve(documents: Record<string, unknown>): void {
  answer = ({ url = '' }, response) => {
    if (url in documents) response.end(JSON.stringify(documents[url]));
    else response.writeHead(404).end();
  };
}

const keys = (issuer: string) => createDiscoveringFetch(issuer, fetch)('http://ignored.invalid/');

test('Metadata is looked up before and after the path of the issuer', () => {
  expect(metadataUrls('https://a.example.com')).toEqual([
    'https://a.example.com/.well-known/oauth-authorization-server',
    'https://a.example.com/.well-known/openid-configuration',
  ]);
  expect(metadataUrls('https://a.example.com/b/')).toEqual([
    'https://a.example.com/.well-known/oauth-authorization-server/b',
    'https://a.example.com/b/.well-known/openid-configuration',
  ]);
});

describe('The keys of an issuer', () => {
  test.each(['/.well-known/oauth-authorization-server/b', '/b/.well-known/openid-configuration'])(
    'are where %s says',
    async (place) => {
      const issuer = `${server.origin}/b`;
      serve({ [place]: { issuer, jwks_uri: `${server.origin}/keys` }, '/keys': { keys: [] } });
      expect(await (await keys(issuer)).json()).toEqual({ keys: [] });
    },
  );

  test.each<[string, unknown]>([
    ['of another issuer', { issuer: 'http://evil.example', jwks_uri: 'http://127.0.0.1/keys' }],
    ['without jwks_uri', {}],
    ['with a relative jwks_uri', { jwks_uri: '/keys' }],
    ['with a file as its jwks_uri', { jwks_uri: 'file:///etc/passwd' }],
    ['that is null', null],
  ])('are not got from metadata %s', async (_, metadata) => {
    const document = metadata && { issuer: server.origin, ...metadata };
    serve({ '/.well-known/oauth-authorization-server': document });
    await expect(keys(server.origin)).rejects.toThrow();
    expect(requested).toEqual(['/.well-known/oauth-authorization-server']);
  });

  test('are not found without metadata, or with malformed metadata', async () => {
    serve({});
    await expect(keys(server.origin)).rejects.toThrow('the issuer has no metadata');
    answer = (_request, response) => response.end('<html>');
    await expect(keys(server.origin)).rejects.toThrow();
  });
});

import { createServer } from 'node:http';
import { listen } from '@tallystick/testing/listen';
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose';

export interface VerifyingApi {
  readonly url: string;
  /** The accepted issuer and the URL of its keys. Set these before the first call. */
  trust: { readonly issuer: string; readonly jwksUri: string; readonly audience: string; readonly typ?: string };
  stop(): Promise<void>;
}

/** A third-party API. It validates JWT access tokens (RFC 9068, unless `typ` is given) and answers with their claims. */
export async function startVerifyingApi(): Promise<VerifyingApi> {
  const server = createServer(async (request, response) => {
    const { issuer, jwksUri, audience, typ = 'at+jwt' } = api.trust;
    const token = String(request.headers.authorization).replace('Bearer ', '');
    try {
      const keys = createRemoteJWKSet(new URL(jwksUri));
      const { payload } = await jwtVerify(token, keys, { issuer, audience, typ });
      response.setHeader('Content-Type', 'application/json').end(JSON.stringify(payload satisfies JWTPayload));
    } catch (error) {
      response.writeHead(401).end(String(error));
    }
  });
  const { origin: url, stop } = await listen(server);
  const api: VerifyingApi = {
    url,
    stop,
    trust: { issuer: '', jwksUri: '', audience: '' },
  };
  return api;
}

import type { IncomingMessage } from 'node:http';
import {
  type AcceptedAccessToken,
  type AuthenticateOptions,
  authenticate,
  challengeSchemes,
  requireAuthenticateOptions,
} from './authenticate.ts';
import type { ChallengeOptions } from './challenge.ts';
import { refusal } from './refusal.ts';

/** What the hook uses of a reply of Fastify. Fastify's own types are not used, so that an API without Fastify need not install them. */
export interface FastifyReply {
  code(status: number): unknown;
  header(name: string, value: string): unknown;
  headers(headers: Record<string, string>): unknown;
  send(body: string): unknown;
}

/** An `onRequest` hook for Fastify. */
export type FastifyHook = (
  request: { readonly raw: IncomingMessage; accessToken?: AcceptedAccessToken },
  reply: FastifyReply,
) => Promise<unknown>;

/**
 * Hook for Fastify that lets only requests with a valid access token pass, and puts it in `request.accessToken`.
 *
 * @throws TypeError for an option of the wrong type
 * @example
 * ```ts
 * app.addHook('onRequest', protectWithFastify({ validator, scopes: () => ['orders'] }));
 * ```
 */
export function protectWithFastify(options: AuthenticateOptions<IncomingMessage> & ChallengeOptions): FastifyHook {
  const { validator, scopes, senderConstraint, realm, resourceMetadata } = options;
  requireAuthenticateOptions({ validator, scopes, senderConstraint });
  return async (request, reply) => {
    try {
      const accepted = await authenticate(request.raw, { validator, scopes, senderConstraint });
      request.accessToken = accepted;
      if (accepted.dpopNonce !== undefined) reply.header('DPoP-Nonce', accepted.dpopNonce);
      return undefined;
    } catch (error) {
      const schemes = challengeSchemes(request.raw, senderConstraint);
      const { status, headers, body } = refusal(error, { realm, resourceMetadata, ...schemes });
      reply.code(status);
      reply.headers(headers);
      reply.send(body);
      return reply; // Tells Fastify that the hook has replied.
    }
  };
}

import type { IncomingMessage } from 'node:http';
import type { AcceptedAccessToken } from './authenticate.ts';
import { type ProtectOptions, protect } from './protect.ts';

/** What the hook uses of a reply of Fastify. Fastify's own types are not used, so that an API without Fastify need not install them. */
export interface FastifyReply {
  code(status: number): unknown;
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
export function protectWithFastify(options: ProtectOptions<IncomingMessage>): FastifyHook {
  const decide = protect(options);
  return async (request, reply) => {
    const outcome = await decide(request.raw);
    if ('refused' in outcome) {
      const { status, headers, body } = outcome.refused;
      reply.code(status);
      reply.headers(headers);
      reply.send(body);
      return reply; // Tells Fastify that the hook has replied.
    }
    request.accessToken = outcome.accepted;
    reply.headers(outcome.headers);
    return undefined;
  };
}

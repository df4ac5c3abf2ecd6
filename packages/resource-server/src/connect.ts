import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type AcceptedAccessToken,
  type AuthenticateOptions,
  authenticate,
  challengeSchemes,
  requireAuthenticateOptions,
} from './authenticate.ts';
import type { ChallengeOptions } from './challenge.ts';
import { ResourceServerError } from './errors.ts';
import { refusal } from './refusal.ts';

/** Middleware for Connect and Express. */
export type ConnectMiddleware = (
  req: IncomingMessage & { accessToken?: AcceptedAccessToken },
  res: ServerResponse,
  next: (error?: unknown) => void,
) => Promise<void>;

/**
 * Connect or Express middleware that lets only requests with a valid access token pass, and puts it in `req.accessToken`.
 *
 * @throws TypeError for an option of the wrong type
 * @example
 * ```ts
 * app.use('/orders', protectWithConnect({ validator, scopes: () => ['orders'] }));
 * ```
 */
export function protectWithConnect(
  options: AuthenticateOptions<IncomingMessage> & ChallengeOptions,
): ConnectMiddleware {
  const { validator, scopes, senderConstraint, realm, resourceMetadata } = options;
  requireAuthenticateOptions({ validator, scopes, senderConstraint });
  return async (req, res, next) => {
    try {
      const accepted = await authenticate(req, { validator, scopes, senderConstraint });
      req.accessToken = accepted;
      if (accepted.dpopNonce !== undefined) res.setHeader('DPoP-Nonce', accepted.dpopNonce);
    } catch (error) {
      if (!(error instanceof ResourceServerError)) return next(error);
      const schemes = challengeSchemes(req, senderConstraint);
      const { status, headers, body } = refusal(error, { realm, resourceMetadata, ...schemes });
      res.writeHead(status, headers).end(body);
      return;
    }
    next();
  };
}

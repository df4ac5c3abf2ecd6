import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type AcceptedAccessToken,
  type AuthenticateOptions,
  authenticate,
  requireAuthenticateOptions,
} from './authenticate.ts';
import type { ChallengeOptions } from './challenge.ts';
import { ResourceServerError } from './errors.ts';
import { refusal } from './refusal.ts';

/** Middleware as Connect and Express know it. */
export type ConnectMiddleware = (
  req: IncomingMessage & { accessToken?: AcceptedAccessToken },
  res: ServerResponse,
  next: (error?: unknown) => void,
) => Promise<void>;

/**
 * Connect or Express middleware that lets only requests with a good access token pass, and puts it in `req.accessToken`.
 *
 * @throws TypeError for a badly typed option.
 * @example
 * ```ts
 * app.use('/orders', protectWithConnect({ validator, scopes: () => ['orders'] }));
 * ```
 */
export function protectWithConnect(options: AuthenticateOptions & ChallengeOptions): ConnectMiddleware {
  const { validator, scopes, realm, resourceMetadata } = options;
  requireAuthenticateOptions({ validator, scopes });
  return async (req, res, next) => {
    try {
      req.accessToken = await authenticate(req, { validator, scopes });
    } catch (error) {
      if (!(error instanceof ResourceServerError)) return next(error);
      const { status, headers, body } = refusal(error, { realm, resourceMetadata });
      res.writeHead(status, headers).end(body);
      return;
    }
    next();
  };
}

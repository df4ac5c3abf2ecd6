import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AcceptedAccessToken } from './authenticate.ts';
import { type Outcome, type ProtectOptions, protect } from './protect.ts';

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
export function protectWithConnect(options: ProtectOptions<IncomingMessage>): ConnectMiddleware {
  const decide = protect(options);
  return async (req, res, next) => {
    let outcome: Outcome;
    try {
      outcome = await decide(req);
    } catch (error) {
      return next(error);
    }
    if ('refused' in outcome) {
      const { status, headers, body } = outcome.refused;
      res.writeHead(status, headers).end(body);
      return;
    }
    req.accessToken = outcome.accepted;
    for (const [name, value] of Object.entries(outcome.headers)) res.setHeader(name, value);
    next();
  };
}

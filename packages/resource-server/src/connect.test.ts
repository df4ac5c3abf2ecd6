import { serve } from '@tallystick/testing/serve';
import { type ConnectMiddleware, protectWithConnect } from './connect.ts';
import { describeMiddleware } from './testing/middleware_contract.ts';

describeMiddleware('Connect', async (options) => {
  const protect: ConnectMiddleware = protectWithConnect(options);
  const { origin: url } = await serve((req: Parameters<ConnectMiddleware>[0], res) =>
    protect(req, res, (error) => {
      if (error !== undefined) res.statusCode = 500;
      res.end(error instanceof Error ? `fault: ${error.message}` : JSON.stringify(req.accessToken));
    }),
  );
  return url;
});

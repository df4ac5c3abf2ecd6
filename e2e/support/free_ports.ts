import { type AddressInfo, createServer } from 'node:net';

/** Ports that nothing listens on, as the environment has them: the issuer has to be known before the start. */
export async function freePorts(scheme: 'http' | 'https' = 'http') {
  const servers = await Promise.all([listening(), listening(), listening()]);
  const [a, b, c] = servers.map((server) => String((server.address() as AddressInfo).port));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return {
    TALLYSTICK_ISSUER: `${scheme}://localhost:${a}`,
    TALLYSTICK_AUTHORIZATION_SERVER_PORT: String(a),
    TALLYSTICK_GATEWAY_PORT: String(b),
    TALLYSTICK_SAMPLE_API_PORT: String(c),
  };
}

function listening() {
  return new Promise<ReturnType<typeof createServer>>((resolve) => {
    const server = createServer().listen(0, 'localhost', () => resolve(server));
  });
}

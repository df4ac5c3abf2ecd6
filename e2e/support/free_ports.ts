import { freePort } from '@tallystick/testing/free_port';

/** Ports that nothing listens on, as the environment has them: the issuer has to be known before the start. */
export async function freePorts(scheme: 'http' | 'https' = 'http') {
  const [a, b, c] = [await freePort('localhost'), await freePort('localhost'), await freePort('localhost')].map(String);
  return {
    TALLYSTICK_ISSUER: `${scheme}://localhost:${a}`,
    TALLYSTICK_AUTHORIZATION_SERVER_PORT: String(a),
    TALLYSTICK_GATEWAY_PORT: String(b),
    TALLYSTICK_SAMPLE_API_PORT: String(c),
  };
}

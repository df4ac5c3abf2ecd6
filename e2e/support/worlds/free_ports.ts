import { freePort } from '@tallystick/testing/free_port';

/** Environment variables with free ports. The issuer must be known before the start. */
export async function freePorts(scheme: 'http' | 'https' = 'http') {
  const [a, b, c] = [await freePort('localhost'), await freePort('localhost'), await freePort('localhost')].map(String);
  return {
    TALLYSTICK_ISSUER: `${scheme}://localhost:${a}`,
    TALLYSTICK_AUTHORIZATION_SERVER_PORT: String(a),
    TALLYSTICK_GATEWAY_PORT: String(b),
    TALLYSTICK_SAMPLE_API_PORT: String(c),
  };
}

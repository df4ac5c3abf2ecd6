import { createProver, type Prover } from '@tallystick/testing/dpop_prover';
import { api, type GatewayFixture, type GatewayInput, startGatewayFixture } from './gateway_fixture.ts';

/** A {@link GatewayFixture} with a client that has a key. */
export interface DPoPFixture extends GatewayFixture {
  readonly prover: Prover;
  /** Issues a token bound to the client's key, to something else, or to nothing. @returns what the client holds */
  issue(style: 'jwt' | 'phantom' | 'split', cnf?: object | null): Promise<string>;
  /** Calls under the scheme DPoP. */
  present(path: string, token: string, proof: string): Promise<Response>;
  /** Calls with a proof made for the call, but for the claims given. */
  prove(path: string, token: string, claims?: object): Promise<Response>;
}

export async function startDPoPFixture(
  change?: (config: GatewayInput) => Partial<GatewayInput>,
  respond?: Parameters<typeof startGatewayFixture>[2],
): Promise<DPoPFixture> {
  const fixture = await startGatewayFixture(change, undefined, respond);
  const prover = await createProver(() => fixture.clock.time);

  function present(path: string, token: string, proof: string) {
    return fixture.call(path, undefined, { headers: { Authorization: `DPoP ${token}`, DPoP: proof } });
  }

  return {
    ...fixture,
    prover,
    present,
    async issue(style, cnf = prover.cnf) {
      const claims = cnf === null ? {} : { cnf };
      if (style === 'phantom') return fixture.issueReference(api(style), claims);
      if (style === 'split') return fixture.issueSplit(api(style), claims);
      return fixture.authorizationServer.issue({ aud: api(style), ...claims });
    },
    async prove(path, token, claims = {}) {
      return present(path, token, await prover.proof(`${fixture.origin}${path}`, token, { ...claims }));
    },
  };
}

/** Runs `use` with a fixture, and stops it afterwards. */
export async function withDPoPFixture(
  change: (config: GatewayInput) => Partial<GatewayInput>,
  use: (fixture: DPoPFixture) => Promise<void>,
  respond?: Parameters<typeof startGatewayFixture>[2],
): Promise<void> {
  const fixture = await startDPoPFixture(change, respond);
  try {
    await use(fixture);
  } finally {
    await fixture.stop();
  }
}

/** @returns status, error code and description of a refusal */
export async function refusalOf(response: Response): Promise<string> {
  const { error, error_description } = (await response.json()) as Record<string, string>;
  return `${response.status} ${error}: ${error_description}`;
}

import type { GatewayConfig } from '../config/config.ts';
import { api, buildHouse, type House } from './house.ts';
import { createProver, type Prover } from './prover.ts';

/** A house with a client that has a key. */
export interface DPoPHouse extends House {
  readonly prover: Prover;
  /** Issues a token bound to the client's key, to something else, or to nothing. @returns what the client holds */
  issue(style: 'jwt' | 'phantom' | 'split', cnf?: object | null): Promise<string>;
  /** Calls under the scheme DPoP. */
  present(path: string, token: string, proof: string): Promise<Response>;
  /** Calls with a proof made for the call, but for the claims given. */
  prove(path: string, token: string, claims?: object): Promise<Response>;
}

export async function buildDPoPHouse(
  change?: (config: GatewayConfig) => Partial<GatewayConfig>,
  respond?: Parameters<typeof buildHouse>[2],
): Promise<DPoPHouse> {
  const house = await buildHouse(change, undefined, respond);
  const prover = await createProver(() => house.clock.time);

  function present(path: string, token: string, proof: string) {
    return house.call(path, undefined, { headers: { Authorization: `DPoP ${token}`, DPoP: proof } });
  }

  return {
    ...house,
    prover,
    present,
    async issue(style, cnf = prover.cnf) {
      const claims = cnf === null ? {} : { cnf };
      if (style === 'phantom') return house.issueReference(api(style), claims);
      if (style === 'split') return house.issueSplit(api(style), claims);
      return house.authorizationServer.issue({ aud: api(style), ...claims });
    },
    async prove(path, token, claims = {}) {
      return present(path, token, await prover.proof(`${house.origin}${path}`, token, { ...claims }));
    },
  };
}

/** Builds a house for the length of a visit. */
export async function inDPoPHouse(
  change: (config: GatewayConfig) => Partial<GatewayConfig>,
  visit: (house: DPoPHouse) => Promise<void>,
  respond?: Parameters<typeof buildHouse>[2],
): Promise<void> {
  const house = await buildDPoPHouse(change, respond);
  try {
    await visit(house);
  } finally {
    await house.stop();
  }
}

/** What a refused request is told. */
export async function refusalOf(response: Response): Promise<string> {
  const { error, error_description } = (await response.json()) as Record<string, string>;
  return `${response.status} ${error}: ${error_description}`;
}

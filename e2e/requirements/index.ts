import { authorizationServer } from './authorization_server.ts';
import { ci } from './ci.ts';
import { controlApi } from './control_api.ts';
import { gateway } from './gateway.ts';
import { gatewayUnderAttack } from './gateway_under_attack.ts';
import { introspection } from './introspection.ts';
import { kubernetesRequirements } from './kubernetes.ts';
import { library } from './library.ts';
import { packages } from './packages.ts';
import { races } from './races.ts';
import { redis } from './redis.ts';
import { routes } from './routes.ts';
import { whole } from './whole.ts';

/**
 * Everything that the product must do, each with its source. At least one test cites each requirement, and each
 * citation names a requirement: `requirements.test.ts` checks both.
 */
export const requirements = {
  ...authorizationServer,
  ...gateway,
  ...gatewayUnderAttack,
  ...introspection,
  ...packages,
  ...races,
  ...redis,
  ...routes,
  ...ci,
  ...controlApi,
  ...kubernetesRequirements,
  ...library,
  ...whole,
};

export type RequirementId = keyof typeof requirements;

/** The title of a test of the requirement. `also` distinguishes several such tests. */
export function requirement(id: RequirementId, also = ''): string {
  return `${requirements[id].sentence}${also && ` (${also})`} [${id}]`;
}

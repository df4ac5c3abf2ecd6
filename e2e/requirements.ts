import { authorizationServer } from './requirements/authorization_server.ts';
import { controlApi } from './requirements/control_api.ts';
import { gateway } from './requirements/gateway.ts';
import { gatewayUnderAttack } from './requirements/gateway_under_attack.ts';
import { introspection } from './requirements/introspection.ts';
import { races } from './requirements/races.ts';
import { redis } from './requirements/redis.ts';
import { routes } from './requirements/routes.ts';
import { whole } from './requirements/whole.ts';

/**
 * What the whole must do, each with the source that says so. Every requirement is cited by at least one test, and every
 * citation is of one of these: `requirements.test.ts` sees to it.
 */
export const requirements = {
  ...authorizationServer,
  ...gateway,
  ...gatewayUnderAttack,
  ...introspection,
  ...races,
  ...redis,
  ...routes,
  ...controlApi,
  ...whole,
};

export type RequirementId = keyof typeof requirements;

/** The title of a test that shows the requirement; `also` tells several such tests apart. */
export function requirement(id: RequirementId, also = ''): string {
  return `${requirements[id].sentence}${also && ` (${also})`} [${id}]`;
}

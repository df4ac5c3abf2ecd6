import { authorizationServer } from './authorization_server.ts';
import { controlApi } from './control_api.ts';
import { gateway } from './gateway.ts';
import { gatewayUnderAttack } from './gateway_under_attack.ts';
import { introspection } from './introspection.ts';
import { races } from './races.ts';
import { redis } from './redis.ts';
import { routes } from './routes.ts';
import { whole } from './whole.ts';

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

import type { Harness } from '../harness/harness.ts';
import { backchannelRequestRoutes } from './backchannel_requests.ts';
import { clockRoutes } from './clock.ts';
import { collectionRoutes } from './collections.ts';
import { faultRoutes } from './faults.ts';
import { keyRoutes } from './keys.ts';
import { requestRoutes } from './requests.ts';
import { resetRoutes } from './reset.ts';
import type { Route } from './route.ts';
import { scriptedAnswerRoutes } from './scripted_answers.ts';
import { tenantRoutes } from './tenants.ts';
import { tokenRoutes } from './tokens.ts';

/** All routes of the control API, a file for each resource. */
export function controlRoutes(harness: Harness): Route[] {
  const resources = [
    faultRoutes,
    scriptedAnswerRoutes,
    clockRoutes,
    requestRoutes,
    tokenRoutes,
    collectionRoutes,
    keyRoutes,
    tenantRoutes,
    backchannelRequestRoutes,
    resetRoutes,
  ];
  return resources.flatMap((routes) => routes(harness));
}

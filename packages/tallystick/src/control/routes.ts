import type { Harness } from '../harness.ts';
import { clockRoutes } from './clock.ts';
import { faultRoutes } from './faults.ts';
import { requestRoutes } from './requests.ts';
import { resetRoutes } from './reset.ts';
import type { Route } from './route.ts';
import { scriptedAnswerRoutes } from './scripted_answers.ts';
import { tokenRoutes } from './tokens.ts';

/** All routes of the control API, a file for each resource. */
export function controlRoutes(harness: Harness): Route[] {
  return [faultRoutes, scriptedAnswerRoutes, clockRoutes, requestRoutes, tokenRoutes, resetRoutes].flatMap((routes) =>
    routes(harness),
  );
}

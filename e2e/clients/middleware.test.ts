import { describe } from '@jest/globals';
import { requirement } from '../requirements/index.ts';
import { testClients } from './flows.ts';
import { IMPLICIT, MIDDLEWARE } from './table.ts';

describe(requirement('real-clients', 'middleware'), () => testClients(MIDDLEWARE));
describe(requirement('real-clients', 'middleware with the implicit grant'), () => testClients(IMPLICIT));

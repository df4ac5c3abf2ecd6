import { describe } from '@jest/globals';
import { requirement } from '../requirements/index.ts';
import { testClients } from './flows.ts';
import { MIDDLEWARE } from './table.ts';

describe(requirement('real-clients', 'middleware'), () => testClients(MIDDLEWARE));

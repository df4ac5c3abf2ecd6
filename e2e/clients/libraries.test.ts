import { describe } from '@jest/globals';
import { requirement } from '../requirements/index.ts';
import { testClients } from './flows.ts';
import { LIBRARIES } from './table.ts';

describe(requirement('real-clients', 'libraries'), () => testClients(LIBRARIES));

import { describe } from '@jest/globals';
import { requirement } from '../requirements/index.ts';
import { testClients } from './flows.ts';
import { DEBIAN } from './table.ts';

describe(requirement('real-clients', 'of Debian'), () => testClients(DEBIAN));

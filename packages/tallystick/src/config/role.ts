/** A role that runs in its own process. Without a role, all of them run in one process. */
export type Role = 'authorization-server' | 'gateway' | 'sample-api';

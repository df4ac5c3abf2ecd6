import { design, type Requirements } from './source.ts';

/** What must hold for concurrent requests. */
export const races = {
  'at-the-same-moment': {
    sentence: 'simultaneous requests at two servers have the same outcome as one after the other',
    link: `${design}#concurrent-requests`,
  },
} as const satisfies Requirements;

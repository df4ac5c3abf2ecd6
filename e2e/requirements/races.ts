import { design, type Requirements } from './source.ts';

/** What holds however requests meet. */
export const races = {
  'at-the-same-moment': {
    sentence: 'what requests do at the same moment at two servers comes out as if one had come first',
    link: `${design}#concurrent-requests`,
  },
} as const satisfies Requirements;

import { design, type Requirements } from './source.ts';

/** What Redis does, and what is seen of it. */
export const redis = {
  'redis-changes-under-load': {
    sentence:
      'while Redis fails over or moves slots, answers are right or 503, and all is well again without a restart',
    link: `${design}#the-store`,
  },
  'redis-few-rights': {
    sentence: 'every role runs as a Redis user that may do no more than the documentation says it needs',
    link: `${design}#the-store`,
  },
  'redis-as-asked-for': {
    sentence:
      'a role whose Redis user may not do what it needs, or not select the database, says so, is not ready and answers 503',
    link: `${design}#operations`,
  },
  'redis-evicts': {
    sentence: 'a Redis that evicts is warned of, and the signing keys that it drops are put back',
    link: `${design}#operations`,
  },
} as const satisfies Requirements;

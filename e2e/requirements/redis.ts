import { design, type Requirements } from './source.ts';

/** What must hold when Redis fails or changes. */
export const redis = {
  'redis-changes-under-load': {
    sentence: 'while Redis fails over or moves slots, every answer is right or 503, and all recovers without a restart',
    link: `${design}#the-store`,
  },
  'redis-few-rights': {
    sentence: 'every role runs as a Redis user with only the rights that the documentation lists',
    link: `${design}#the-store`,
  },
  'redis-as-asked-for': {
    sentence:
      'a role whose Redis user lacks a right or cannot select the database logs it, is not ready and returns 503',
    link: `${design}#operations`,
  },
  'redis-evicts': {
    sentence: 'a Redis that evicts keys causes a warning, and evicted signing keys are restored',
    link: `${design}#operations`,
  },
} as const satisfies Requirements;

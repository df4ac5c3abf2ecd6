import { design, type Requirements } from './source.ts';

/** What somebody gets who installs the packages from the registry. */
export const packages = {
  'packages-small': {
    sentence: 'the published packages have no dependencies, and are at most 25 MB once installed',
    link: `${design}#the-packages`,
  },
  'packages-complete': {
    sentence: 'a published package contains each file that it names, its licence, and the licences of the code in it',
    link: `${design}#the-packages`,
  },
  'packages-run': {
    sentence: 'the command of the package runs in an empty folder',
    link: `${design}#the-packages`,
  },
  'packages-in-tests': {
    sentence: 'the library works in Jest without flags, Vitest, Mocha and node:test, with import and require',
    link: `${design}#the-packages`,
  },
  'packages-on-node': {
    sentence: 'the packages work on each supported version of Node.js, without a deprecation warning',
    link: `${design}#the-packages`,
  },
  'packages-typed': {
    sentence: 'the types of the packages are complete in strict mode, without skipLibCheck, in each mode of resolution',
    link: `${design}#the-packages`,
  },
  'packages-keep-globals': {
    sentence: 'an import of the packages changes nothing global',
    link: `${design}#the-packages`,
  },
  'packages-optional': {
    sentence:
      'tracing without OpenTelemetry stops the start with the command that installs it, and works after that command',
    link: `${design}#the-packages`,
  },
  'examples-run': {
    sentence: 'each example runs with the published packages alone',
    link: `${design}#the-packages`,
  },
} as const satisfies Requirements;

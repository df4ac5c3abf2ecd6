import { design, type Requirements, rfc } from './source.ts';

/** What who runs it meets. */
export const whole = {
  'malformed-input': {
    sentence: 'malformed input gets a clear OAuth error at every face and changes nothing',
    link: rfc(6749, '5.2'),
  },
  'own-hosts-only': {
    sentence:
      'a server on this machine answers for its own names only, so that no web page can have a name point to it',
    link: `${design}#hosts`,
  },
  'bounded-input': {
    sentence:
      'more parameters than any request has a use for, and JSON without end, get a clear 400 wherever they are read',
    link: rfc(6749, '5.2'),
  },
  'linear-work': {
    sentence: 'what a client sends as a list is work that grows with its length, not with the square of it',
    link: `${design}#the-authorization-server`,
  },
  'no-token-in-a-log': { sentence: 'no token is in any log line at debug level', link: `${design}#logs` },
  'start-banner': {
    sentence: 'tallystick start says how to reach everything, and its commands work when pasted',
    link: `${design}#getting-started`,
  },
  'stops-cleanly': { sentence: 'Ctrl-C stops everything cleanly', link: `${design}#getting-started` },
  'demo-walks': {
    sentence: 'tallystick demo shows what client, store, gateway and API hold in each style',
    link: `${design}#getting-started`,
  },
  'config-explains': {
    sentence: 'a wrong configuration stops the start with the path of the bad value and what was expected',
    link: `${design}#configuration`,
  },
  'idle-connections-outlive-balancers': {
    sentence:
      'every server keeps an idle connection for the configured time, says so, and closes it with its last answer',
    link: rfc(9112, '9.3'),
  },
  https: {
    sentence: 'with a certificate, given or self-made, every server speaks HTTPS and the roles trust one another',
    link: `${design}#https`,
  },
} as const satisfies Requirements;

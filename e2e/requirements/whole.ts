import { design, type Requirements, rfc } from './source.ts';

/** What an operator must be able to rely on. */
export const whole = {
  'malformed-input': {
    sentence: 'malformed input gets a clear OAuth error at every face and changes nothing',
    link: rfc(6749, '5.2'),
  },
  'own-hosts-only': {
    sentence: 'a server on this machine answers for its own names only, so no web page can point a name at it',
    link: `${design}#hosts`,
  },
  'bounded-input': {
    sentence: 'too many parameters and too deeply nested JSON get a clear 400 wherever they are read',
    link: rfc(6749, '5.2'),
  },
  'linear-work': {
    sentence: 'the work for a list from a client grows with its length, not with its square',
    link: `${design}#the-authorization-server`,
  },
  'no-token-in-a-log': { sentence: 'no log line contains a token, even at debug level', link: `${design}#logs` },
  'start-banner': {
    sentence: 'tallystick start prints how to reach everything, and its commands work when pasted',
    link: `${design}#getting-started`,
  },
  'stops-cleanly': { sentence: 'Ctrl-C stops everything cleanly', link: `${design}#getting-started` },
  'demo-walks': {
    sentence: 'tallystick demo shows what client, store, gateway and API hold in each style',
    link: `${design}#getting-started`,
  },
  'config-explains': {
    sentence: 'a wrong configuration stops the start with the path of the bad value and the expected form',
    link: `${design}#configuration`,
  },
  'idle-connections-outlive-balancers': {
    sentence:
      'every server keeps an idle connection for the configured time, announces that time, and closes the connection with its last response',
    link: rfc(9112, '9.3'),
  },
  https: {
    sentence: 'with a given or self-made certificate, every server speaks HTTPS and the roles trust each other',
    link: `${design}#https`,
  },
  'real-clients': {
    sentence: 'clients that nobody here wrote work with the configuration of their own README',
    link: `${design}#the-authorization-server`,
  },
} as const satisfies Requirements;

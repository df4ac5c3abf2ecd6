import { design, type Requirements } from './source.ts';

/** What tests may do to it. */
export const controlApi = {
  'ciba-by-control': {
    sentence: 'the control API approves and denies backchannel requests in the place of a user',
    link: `${design}#the-control-api`,
  },
  'changes-at-run-time': {
    sentence:
      'clients, users, APIs, keys and tenants change while everything runs, and reset brings the configured ones back',
    link: `${design}#the-control-api`,
  },
  'gateway-follows-apis': {
    sentence:
      'an API that changes at run time is served as it now is at gateway and sample API at once, and one that a route names cannot be removed',
    link: `${design}#the-control-api`,
  },
  'tenant-controls-are-its-own': {
    sentence:
      "a tenant's faults, scripted answers, recorded requests, clients, users, APIs, keys, tokens and reset are its own, and go with it",
    link: `${design}#tenants`,
  },
  'control-api-absent': {
    sentence: 'there is no control API unless it is enabled, and then it is on this machine only',
    link: `${design}#the-control-api`,
  },
  'control-api-of-a-role': {
    sentence:
      'the role authorization-server has the control API too: faults and records of its own process, keys, tokens and reset of the store',
    link: `${design}#the-control-api`,
  },
  'control-api-explains': {
    sentence: 'bad input to the control API is 400, names the path of the offending value and changes nothing',
    link: `${design}#the-control-api`,
  },
  'control-api-keeps-out': {
    sentence: 'the control API answers no web page of another origin, and none under another host name',
    link: `${design}#the-control-api`,
  },
  'control-api-described': {
    sentence: 'the OpenAPI document names every route of the control API and no other',
    link: `${design}#the-control-api`,
  },
  'fault-then-recovery': {
    sentence:
      'a 503 of the introspection endpoint for the next 2 calls is two 503s at the gateway, and then it recovers',
    link: `${design}#faults`,
  },
  'fault-is-no-verdict': {
    sentence:
      'introspection that is slow or cut off is 503 at the gateway, garbled or mislabelled 502, and then it recovers',
    link: `${design}#faults`,
  },
  'fault-of-one-client': { sentence: 'a fault for one client strikes no other', link: `${design}#faults` },
  'scripted-answer-once': {
    sentence: 'a scripted answer is given exactly once and exactly so',
    link: `${design}#faults`,
  },
  'clock-moves-all': {
    sentence:
      "past a token's lifetime by the clock it is 401 at gateway and API, cached or not, and back in time it is not",
    link: `${design}#clock`,
  },
  'clock-is-its-own': {
    sentence: 'moving the clock of one Tallystick moves no other clock in the process',
    link: `${design}#clock`,
  },
  'clock-on-redis': {
    sentence: 'on Redis, whose clock nobody moves, moving the clock is refused with 409',
    link: `${design}#clock`,
  },
  'requests-are-recorded': {
    sentence: 'what the authorization server was asked can be listed, taken one by one and waited for',
    link: `${design}#recorded-requests`,
  },
  'requests-are-redacted': {
    sentence: 'recorded requests show no secret, token, code or cookie unless asked to',
    link: `${design}#recorded-requests`,
  },
  'minted-token-works': {
    sentence: 'a token issued without a flow works like one of a flow in every style',
    link: `${design}#tokens-without-a-flow`,
  },
  'broken-token-is-401': {
    sentence: 'a token that is broken on purpose is 401 at the gateway and at the API',
    link: `${design}#tokens-without-a-flow`,
  },
  'reset-forgets': {
    sentence: 'a reset leaves no fault, script, record, moved clock or token, and nothing of others on the same Redis',
    link: `${design}#reset`,
  },
} as const satisfies Requirements;

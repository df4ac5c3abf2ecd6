import { design, type Requirements } from './source.ts';

/** What tests must be able to do through the control API. */
export const controlApi = {
  'ciba-by-control': {
    sentence: 'the control API approves and denies backchannel requests in the place of a user',
    link: `${design}#the-control-api`,
  },
  'changes-at-run-time': {
    sentence: 'clients, users, APIs, keys and tenants can change at run time, and a reset restores the configured ones',
    link: `${design}#the-control-api`,
  },
  'gateway-follows-apis': {
    sentence:
      'gateway and sample API serve an API as changed at run time at once, and an API that a route names cannot be removed',
    link: `${design}#the-control-api`,
  },
  'tenant-controls-are-its-own': {
    sentence:
      'a tenant has its own faults, scripted answers, recorded requests, clients, users, APIs, keys, tokens and reset, and they go when it is removed',
    link: `${design}#tenants`,
  },
  'control-api-refusals': {
    sentence: 'the control API logs each request that it refuses, with the fields that every role logs',
    link: `${design}#the-control-api`,
  },
  'control-api-absent': {
    sentence: 'the control API exists only if it is enabled, and listens only on this machine',
    link: `${design}#the-control-api`,
  },
  'control-api-of-a-role': {
    sentence:
      'the role authorization-server has a control API with the faults and records of its own process, and with the keys, tokens and reset of the store',
    link: `${design}#the-control-api`,
  },
  'control-api-explains': {
    sentence: 'bad input to the control API gets a 400 that names the path of the value, and changes nothing',
    link: `${design}#the-control-api`,
  },
  'control-api-keeps-out': {
    sentence: 'the control API answers no web page of another origin and no request for another host name',
    link: `${design}#the-control-api`,
  },
  'control-api-described': {
    sentence: 'the OpenAPI document names every route of the control API and no other',
    link: `${design}#the-control-api`,
  },
  'fault-then-recovery': {
    sentence: 'when the next 2 introspection calls fail with 503, the gateway returns two 503s and then recovers',
    link: `${design}#faults`,
  },
  'fault-is-no-verdict': {
    sentence:
      'the gateway returns 503 when introspection is slow or cut off, 502 when it is garbled or mislabelled, and then recovers',
    link: `${design}#faults`,
  },
  'fault-of-one-client': { sentence: 'a fault for one client affects no other client', link: `${design}#faults` },
  'scripted-answer-once': {
    sentence: 'a scripted answer is sent exactly once and unchanged',
    link: `${design}#faults`,
  },
  'clock-moves-all': {
    sentence:
      'a token whose lifetime has passed by the clock gets 401 at gateway and API, cached or not, and works again when the clock moves back',
    link: `${design}#clock`,
  },
  'clock-is-its-own': {
    sentence: 'moving the clock of one Tallystick moves no other clock in the process',
    link: `${design}#clock`,
  },
  'clock-on-redis': {
    sentence: 'moving the clock on Redis gets 409, because nothing can move the clock of Redis',
    link: `${design}#clock`,
  },
  'requests-are-recorded': {
    sentence: 'requests to the authorization server can be listed, taken one by one and waited for',
    link: `${design}#recorded-requests`,
  },
  'requests-are-redacted': {
    sentence: 'recorded requests show no secret, token, code or cookie unless the reader asks for them',
    link: `${design}#recorded-requests`,
  },
  'minted-token-works': {
    sentence: 'a token that is issued without a flow works like one from a flow, in every style',
    link: `${design}#tokens-without-a-flow`,
  },
  'broken-token-is-401': {
    sentence: 'a deliberately broken token gets 401 at the gateway and at the API',
    link: `${design}#tokens-without-a-flow`,
  },
  'reset-forgets': {
    sentence:
      'a reset removes all faults, scripts, records, clock changes and tokens, and nothing of other installations on the same Redis',
    link: `${design}#reset`,
  },
} as const satisfies Requirements;

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTallystick, type Tallystick } from '../run/start_tallystick.ts';

/** Verbs without an operation of their own. */
const ONLY_IN_THE_LIBRARY = [
  'fetch', // A caller over HTTP gets a token and calls the gateway itself.
  ...['accessToken', 'idToken', 'signIn', 'answer', 'clear'].map((name) => `hooks.${name}`), // Functions. Scripted answers are their counterpart.
  'keys.rotate', // As `rotateKeys`, but with the delay of a server in operation.
  'backchannelRequests.deny', // The operation takes the decision as a value.
  'tenants.get', // Every operation takes the tenant as a parameter.
  ...['replace', 'stop'],
];

/** Methods for the servers of this process. The types of the library do not have them. */
const INTERNAL = [
  ...['faults.take', 'faults.onChange', 'scriptedAnswers.take', 'hooks.changeAnswer'],
  ...['requests.record', 'requests.close', 'calls.record', 'calls.close', 'clock.stop', 'clock.run'],
  ...['handler', 'restore', 'renewOnDemand', 'gatewayAt', 'release', 'close'].map((name) => `tenants.${name}`),
];

let tally: Tallystick;
beforeAll(async () => {
  tally = await startTallystick({ log: { level: 'silent' }, controlApi: { enabled: true } });
});
afterAll(() => tally.stop());

/** The functions of an object, and of the objects in it. */
function verbsOf(object: object): string[] {
  const plain = Object.entries(object).filter(([name]) => name !== 'config');
  return plain.flatMap(([name, value]) => {
    if (typeof value === 'function') return name;
    return typeof value === 'object' && value !== null ? verbsOf(value).map((verb) => `${name}.${verb}`) : [];
  });
}

interface Operation {
  readonly operationId: string;
  readonly 'x-library'?: string;
  readonly responses: Readonly<Record<string, unknown>>;
}

async function operations(): Promise<Operation[]> {
  const document = (await (await fetch(`${tally.controlUrl}/openapi.json`)).json()) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  };
  return Object.values(document.paths).flatMap((methods) => Object.values(methods));
}

test('every verb of the library is an operation of the control API', async () => {
  const named = (await operations()).flatMap((operation) => operation['x-library'] ?? []);
  expect(new Set(named).size).toBe(named.length);
  const verbs = verbsOf(tally).filter((verb) => ![...ONLY_IN_THE_LIBRARY, ...INTERNAL].includes(verb));
  expect(verbs.filter((verb) => !named.includes(verb))).toEqual([]);
});

test('every operation names a verb of the library, or has none on purpose', async () => {
  const verbs = verbsOf(tally);
  const withoutVerb = ['describe', 'readIssuer']; // The library has the property `issuer`.
  for (const operation of await operations()) {
    const verb = operation['x-library'];
    if (verb === undefined) expect(withoutVerb).toContain(operation.operationId);
    else expect(verbs).toContain(verb);
    expect(Object.keys(operation.responses)).toContain('403');
  }
});

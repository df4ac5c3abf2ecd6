const assert = require('node:assert/strict');
const { before, test } = require('node:test');
const { z } = require('zod');

z.config(z.locales.de());

/** Everything in the process that others see and a library could change, by its name. */
function snapshot() {
  const named = (title, entries) => entries.map(([name, value]) => [`${title} ${String(name)}`, value]);
  const properties = (object) =>
    Reflect.ownKeys(object).map((name) => {
      const { value, get } = Object.getOwnPropertyDescriptor(object, name);
      return [name, get ?? value];
    });
  return new Map([
    ...named('global', properties(globalThis)),
    ...named('Reflect', properties(Reflect)),
    ...named('Error', properties(Error)),
    ...named('console', properties(console)),
    ...named('environment', Object.entries(process.env)),
    ...process
      .eventNames()
      .flatMap((name) => named(`listener for ${String(name)}`, Object.entries(process.listeners(name)))),
    ...named('zod', Object.entries(z.config())),
    ['message of zod', z.string().safeParse(7).error.message],
  ]);
}

/** @returns the names of what differs */
function differences(a, b) {
  return [...new Set([...a.keys(), ...b.keys()])].filter((name) => !Object.is(a.get(name), b.get(name)));
}

let untouched;
let tallystick;
before(async () => {
  // Node.js makes some globals when they are used first.
  await fetch('data:,');
  const storages = ['localStorage', 'sessionStorage']; // Node.js warns when they are used.
  for (const name of Object.getOwnPropertyNames(globalThis)) if (!storages.includes(name)) void globalThis[name];
  void [process.stdout, process.stderr, process.stdin];
  untouched = snapshot();
});

test('an import changes nothing global, and holds no resource', () => {
  const resources = process.getActiveResourcesInfo();
  tallystick = require('tallystick');
  require('@tallystick/resource-server');
  assert.deepEqual(differences(untouched, snapshot()), []);
  assert.deepEqual(process.getActiveResourcesInfo(), resources);
  assert.match(untouched.get('message of zod'), /Ungültige Eingabe/);
});

test('neither does a start and a stop', async () => {
  const tally = await tallystick.startTallystick();
  await tally.stop();
  assert.deepEqual(differences(untouched, snapshot()), []);
});

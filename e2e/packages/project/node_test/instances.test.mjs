import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import * as resourceServer from '@tallystick/resource-server';
import * as tallystick from 'tallystick';

const require = createRequire(import.meta.url);

for (const [name, imported] of Object.entries({ tallystick, '@tallystick/resource-server': resourceServer })) {
  test(`import and require give the same instance of ${name}`, () => {
    const required = require(name);
    const names = Object.keys(required).sort();
    assert.deepEqual(Object.keys(imported).sort(), names);
    assert.ok(names.length > 5);
    for (const each of names) assert.equal(imported[each], required[each]);
  });
}

test('an error is an instance of the class that is exported', async () => {
  await assert.rejects(tallystick.startTallystick({ apis: 7 }), require('tallystick').ConfigError);
});

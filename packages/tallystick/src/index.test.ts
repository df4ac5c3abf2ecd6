import { getDefaultResultOrder } from 'node:dns';
import { EventEmitter } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import tls from 'node:tls';
import { expect, test } from '@jest/globals';
import { getGlobalDispatcher } from 'undici';
import { z } from 'zod';

/** Global state that a library could change for the whole process. */
function globalState() {
  return {
    compilesChecks: compilesChecks(), // Must come before the next line, because zod configures itself on first use.
    zod: { ...z.config() },
    globals: Reflect.ownKeys(globalThis).map(String),
    reflect: Reflect.ownKeys(Reflect).map(String),
    environment: { ...process.env },
    handlers: process.eventNames().map((name) => [String(name), process.listeners(name as 'exit')]),
    defaultMaxListeners: EventEmitter.defaultMaxListeners,
    stackTraceLimit: Error.stackTraceLimit,
    prototypes: [Object, Array, Function, Promise, Map, String, Date, Error, EventEmitter].map(({ prototype }) =>
      Reflect.ownKeys(prototype).map((name) => [
        String(name),
        Reflect.getOwnPropertyDescriptor(prototype, name)?.value,
      ]),
    ),
    console: { ...console },
    timers: [setTimeout, setInterval, setImmediate, queueMicrotask],
    time: [Date, Date.now, performance.now],
    random: Math.random,
    fetch,
    dispatcher: getGlobalDispatcher(),
    agents: [http.globalAgent, https.globalAgent],
    agentLimits: [http.globalAgent, https.globalAgent].map(({ maxSockets, maxFreeSockets }) => [
      maxSockets,
      maxFreeSockets,
    ]),
    servers: [http.createServer, https.createServer, http.request, https.request],
    tls: [tls.DEFAULT_MIN_VERSION, tls.DEFAULT_MAX_VERSION, tls.DEFAULT_CIPHERS],
    dns: getDefaultResultOrder(),
  };
}

/** Whether zod still compiles the checks of an object schema on first use (its default). */
function compilesChecks(): boolean {
  const { Function: real } = globalThis;
  let compiled = false;
  globalThis.Function = new Proxy(real, {
    construct(target, parameters) {
      compiled = true;
      return Reflect.construct(target, parameters);
    },
  });
  try {
    z.object({ a: z.string() }).parse({ a: 'b' });
  } finally {
    globalThis.Function = real;
  }
  return compiled;
}

test('importing the library and running an instance changes nothing for the rest of the process', async () => {
  await fetch('data:,'); // Lets Node.js set up what it creates on the first call.
  const before = globalState();
  expect(before).toMatchObject({ compilesChecks: true });

  const { loadConfig, startTallystick } = await import('./index.ts');
  expect(globalState()).toEqual(before);

  const demo = await loadConfig(new URL('../../../tallystick.config.yaml', import.meta.url).pathname);
  const config = { ...demo, controlApi: { enabled: true }, log: { level: 'silent' as const } };
  const tallystick = await startTallystick({ config });
  try {
    expect((await fetch(`${tallystick.controlUrl}/openapi.json`)).status).toBe(200);
    tallystick.clock.advance(1); // A moved clock replaces Date.now.
    await tallystick.token({ client: 'demo-service', api: 'https://api.example.com/split' });
    tallystick.clock.reset();
    expect(globalState()).toEqual(before);
  } finally {
    await tallystick.stop();
  }
  expect(globalState()).toEqual(before);
});

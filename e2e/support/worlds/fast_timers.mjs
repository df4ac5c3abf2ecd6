// Loaded into a process with `--import`: every timeout of its servers, clients and code is TIMER_FACTOR times as short, so that a
// few seconds are ten minutes to it. What the time is does not change.
import http from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import { Socket } from 'node:net';
import timers from 'node:timers';

const factor = Number(process.env.TIMER_FACTOR);
const short = (milliseconds) => (milliseconds === undefined ? undefined : Math.ceil(milliseconds / factor));

for (const name of ['setTimeout', 'setInterval']) {
  const { [name]: set } = globalThis;
  globalThis[name] = timers[name] = (callback, milliseconds, ...rest) => set(callback, short(milliseconds), ...rest);
}

// Of an idle connection, on both sides.
const { setTimeout: setIdleTimeout } = Socket.prototype;
Socket.prototype.setTimeout = function (milliseconds, callback) {
  return setIdleTimeout.call(this, short(milliseconds), callback);
};

const { createServer } = http;
http.createServer = (options, listener) => {
  const { headersTimeout = 60_000, requestTimeout = 300_000, keepAliveTimeout = 5_000 } = options;
  const { connectionsCheckingInterval = 30_000 } = options;
  return createServer(
    {
      ...options,
      headersTimeout: short(headersTimeout),
      requestTimeout: short(requestTimeout),
      // Goes through the connection's own timeout.
      keepAliveTimeout,
      connectionsCheckingInterval: short(connectionsCheckingInterval),
    },
    listener,
  );
};
syncBuiltinESMExports();

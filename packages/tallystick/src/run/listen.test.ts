import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { listen } from './listen.ts';

/** Sends each request on its own connection, creates a file when all are sent, and prints the status lines. */
const clients = `
  const { connect } = require('node:net');
  const [port, file] = process.argv.slice(1);
  const sent = Array.from({ length: 20 }, () => new Promise((resolve) => {
    let answer = '';
    const socket = connect(Number(port), '127.0.0.1', () =>
      socket.write('GET / HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n', resolve));
    socket.setEncoding('latin1').on('data', (text) => { answer += text; });
    socket.on('error', ({ code }) => { answer += code; }).on('close', () => console.log(answer.split('\\r\\n', 1)[0]));
  }));
  Promise.all(sent).then(() => require('node:fs').writeFileSync(file, ''));
`;

test('a server that stops answers requests on connections that it has not accepted yet', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'tallystick-listen-'));
  const listening = await listen(
    createServer((_request, response) => response.end()),
    { host: '127.0.0.1', port: 0, setting: 'gateway.port' },
  );
  const file = path.join(folder, 'sent');
  const child = spawn(process.execPath, ['-e', clients, String(listening.port), file]);
  const exit = once(child, 'close');
  let answers = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (answers += text));
  // Blocks the event loop, as on a busy machine.
  const never = new Int32Array(new SharedArrayBuffer(4));
  while (!existsSync(file)) Atomics.wait(never, 0, 0, 10);
  await listening.stop();
  await exit;
  await rm(folder, { recursive: true });
  expect(answers.trim().split('\n')).toEqual(Array.from({ length: 20 }, () => 'HTTP/1.1 200 OK'));
});

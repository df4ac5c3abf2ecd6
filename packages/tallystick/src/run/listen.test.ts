import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, get as httpGet, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, get as httpsGet } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { until } from '@tallystick/testing/until';
import { listen } from './listen.ts';
import { makeCa, makeServerCertificate } from './tls/make_certificates.ts';

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

const settings = { setting: 'gateway.port' } as const;
const hosts = (address: string) => (address.includes(':') ? `[${address}]` : address);
const answer = (_request: IncomingMessage, response: ServerResponse) => void response.end('answered');

/** Addresses at which the port answers. */
async function answering(port: number, scheme = 'http', ca?: string): Promise<string[]> {
  const asked = ['127.0.0.1', '::1', '127.0.0.2'].map(async (address) => {
    const body = await get(`${scheme}://${hosts(address)}:${port}/`, ca).catch(() => '');
    return body === 'answered' ? [address] : [];
  });
  return (await Promise.all(asked)).flat();
}

function get(url: string, ca: string | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = ca === undefined ? httpGet(url, { agent: false }) : httpsGet(url, { agent: false, ca });
    request.once('error', reject).once('response', (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => (body += text));
      response.once('end', () => resolve(body));
    });
  });
}

test('localhost means 127.0.0.1 and ::1, with the same port, until the server stops', async () => {
  const listening = await listen(createServer(answer), { host: 'localhost', port: 0, ...settings });
  expect(await answering(listening.port)).toEqual(['127.0.0.1', '::1']);
  await listening.stop();
  expect(await answering(listening.port)).toEqual([]);
});

test('localhost means both addresses for a TLS server too', async () => {
  const validity = { notBefore: new Date(), notAfter: new Date(Date.now() + 86_400_000) };
  const ca = await makeCa(validity);
  const server = createTlsServer(await makeServerCertificate(ca, ['127.0.0.1', '::1'], validity), answer);
  const listening = await listen(server, { host: 'localhost', port: 0, ...settings });
  expect(await answering(listening.port, 'https', ca.cert)).toEqual(['127.0.0.1', '::1']);
  await listening.stop();
});

test.each([
  ['IPv6', ['127.0.0.1', '2001:db8::1'], ['127.0.0.1']],
  ['IPv4', ['192.0.2.1', '::1'], ['::1']],
])('localhost means the other address on a machine without %s', async (_family, addresses, expected) => {
  const listening = await listen(createServer(answer), { host: 'localhost', port: 0, ...settings }, addresses);
  expect(await answering(listening.port)).toEqual(expected);
  await listening.stop();
});

test('a machine without any loopback address is an error', async () => {
  const listening = listen(createServer(), { host: 'localhost', port: 0, ...settings }, ['192.0.2.1', '2001:db8::1']);
  await expect(listening).rejects.toThrow(
    'this machine has none of the addresses of localhost: 192.0.2.1, 2001:db8::1',
  );
});

test.each(['127.0.0.1', '::1'])('a port that is taken at %s is an error that names the address', async (address) => {
  const other = await listen(createServer(), { host: address, port: 0, ...settings });
  const server = createServer(answer);
  await expect(listen(server, { host: 'localhost', port: other.port, ...settings })).rejects.toThrow(
    `port ${other.port} of the gateway is already in use at ${address}; set gateway.port or TALLYSTICK_GATEWAY_PORT`,
  );
  expect(server.listening).toBe(false);
  await other.stop();
});

test('a server that stops lets requests finish that arrived at ::1', async () => {
  const responses: ServerResponse[] = [];
  const server = createServer((_request, response) => void responses.push(response));
  const listening = await listen(server, { host: 'localhost', port: 0, ...settings });
  const body = get(`http://[::1]:${listening.port}/`, undefined);
  await until(() => responses.length === 1);
  const stopped = listening.stop();
  responses[0]?.end('answered');
  expect(await body).toBe('answered');
  await stopped;
});

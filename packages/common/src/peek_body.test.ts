import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { peekBody, peekedBody } from './peek_body.ts';

let server: Server;
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function start(listener: RequestListener): Promise<number> {
  server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test.each([['a=b'], ['x'.repeat(60_000)]])(
  'several look at a body, and the last one still reads it: %.5s',
  async (body) => {
    const port = await start(async (request, response) => {
      expect(peekedBody(request)).toBeUndefined();
      const looks = await Promise.all([peekBody(request), peekBody(request)]);
      looks.push(await peekBody(request), peekedBody(request) as Buffer);
      response.end(JSON.stringify([...looks.map(String), await read(request)]));
    });
    const answer = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body });
    expect(await answer.json()).toEqual(Array(5).fill(body));
  },
);

test('of a body without end only the beginning is looked at', async () => {
  const port = await start(async (request, response) => {
    const looked = await peekBody(request);
    const whole = await read(request);
    response.end(JSON.stringify([looked.length < 200_000, whole.startsWith(looked.toString()), whole.length]));
  });
  const answer = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body: 'x'.repeat(2_000_000) });
  expect(await answer.json()).toEqual([true, true, 2_000_000]);
});

test('nobody waits for the rest when the client leaves', async () => {
  const looked = new Promise<string>((resolve, reject) => {
    start(async (request) => resolve(String(await peekBody(request)))).then((port) => {
      const socket = connect(port, '127.0.0.1');
      socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc');
      server.once('request', () => socket.end());
    }, reject);
  });
  expect(await looked).toBe('abc');
});

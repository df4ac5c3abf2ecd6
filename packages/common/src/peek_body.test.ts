import type { IncomingMessage } from 'node:http';
import { expect, test } from '@jest/globals';
import { openConnection } from '@tallystick/testing/raw_client';
import { serve } from '@tallystick/testing/serve';
import { until } from '@tallystick/testing/until';
import { peekBody, peekedBody } from './peek_body.ts';

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test.each([['a=b'], ['x'.repeat(60_000)]])(
  'a body can be peeked several times and still be read: %.5s',
  async (body) => {
    const { origin } = await serve(async (request, response) => {
      expect(peekedBody(request)).toBeUndefined();
      const looks = await Promise.all([peekBody(request), peekBody(request)]);
      looks.push(await peekBody(request), peekedBody(request) as Buffer);
      response.end(JSON.stringify([...looks.map(String), await read(request)]));
    });
    const answer = await fetch(origin, { method: 'POST', body });
    expect(await answer.json()).toEqual(Array(5).fill(body));
  },
);

test('peeks only the beginning of a large body', async () => {
  const { origin } = await serve(async (request, response) => {
    const looked = await peekBody(request);
    const whole = await read(request);
    response.end(JSON.stringify([looked.length < 200_000, whole.startsWith(looked.toString()), whole.length]));
  });
  const answer = await fetch(origin, { method: 'POST', body: 'x'.repeat(2_000_000) });
  expect(await answer.json()).toEqual([true, true, 2_000_000]);
});

test('returns the part that arrived when the client disconnects', async () => {
  let peeked: Promise<Buffer> | undefined;
  const { port } = await serve((request) => {
    peeked = peekBody(request);
    client.socket.end();
  });
  const client = await openConnection(port);
  await client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc');
  expect(String(await until(() => peeked))).toBe('abc');
});

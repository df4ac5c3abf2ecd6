import { message, openConnection, type Writing } from '@tallystick/testing/raw_client';
import type { RawCase } from './raw_case.ts';
import { statusesIn } from './statuses.ts';
import type { StrictRequest } from './strict_request.ts';
import type { StrictUpstream } from './strict_upstream.ts';

export type Connection = 'a fresh connection' | 'a connection in use';

/** A client-held token and its API. */
export interface Held {
  /** The API's prefix. */
  readonly path: string;
  readonly token: string;
  /** The `Authorization` header that the API gets instead. */
  readonly authorization: RegExp;
}

export interface Outcome {
  readonly statuses: string;
  readonly requests: readonly StrictRequest[];
  /** All bytes that the API got, without the expected `Authorization` header. */
  readonly bytes: string;
}

export interface Attacker {
  /**
   * Sends a case to the gateway, waits for the outcome, and then lets an honest client send a request.
   *
   * @throws {Error} the honest client did not get the expected response
   */
  attack(held: Held, raw: RawCase, connection: Connection, writing: Writing): Promise<Outcome>;
}

/** Runs one case at a time, because all requests that the API gets meanwhile count for it. */
export function createAttacker(gateway: string, upstream: StrictUpstream): Attacker {
  let count = 0;

  /** Sends the next request over the gateway's connections to the API. It fails if the case poisoned a connection. */
  async function callHonestly({ path, token }: Held): Promise<void> {
    const target = `${path}/honest/${count++}`;
    const lines = [
      `GET ${target} HTTP/1.1`,
      'Host: honest.localhost',
      `Authorization: Bearer ${token}`,
      'Connection: close',
    ];
    const client = await openConnection(gateway);
    await client.write(message(lines));
    await client.settled((text) => statusesIn(text) === '200');
    const answer = await client.end();
    if (!answer.startsWith('HTTP/1.1 200 OK\r\n') || !answer.endsWith(`\r\n\r\n${target}`)) {
      throw new Error(`an honest client was answered: ${answer}`);
    }
  }

  return {
    async attack(held, raw, connection, writing) {
      const insert = (text: string) => text.replaceAll('{path}', held.path).replaceAll('{token}', held.token);
      const client = await openConnection(gateway);
      let before = '';
      if (connection === 'a connection in use') {
        await client.write(
          insert('GET {path}/before HTTP/1.1\r\nHost: g.localhost\r\nAuthorization: Bearer {token}\r\n\r\n'),
        );
        await client.settled((text) => statusesIn(text) === '200');
        before = '200 ';
      }
      upstream.requests.length = 0;
      upstream.bytes = '';
      await client.write(insert(raw.bytes), writing);
      const expected = new RegExp(`^${before.trim()}${before && '( |$)'}(${raw.answers})$`);
      await client.settled((text) => expected.test(statusesIn(text)));
      // A second request that the case smuggled would arrive before the honest one.
      await callHonestly(held);
      await client.end();
      const requests = upstream.requests.filter(({ target }) => !target.includes('/honest/'));
      return {
        statuses: statusesIn(client.text()).slice(before.length),
        requests,
        bytes: upstream.bytes.replace(/\r\nauthorization: Bearer [^\r\n]*(?=\r\n)/gi, (header) =>
          held.authorization.test(header.slice('\r\nauthorization: '.length)) ? '' : header,
        ),
      };
    },
  };
}

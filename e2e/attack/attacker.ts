import { message, openConnection, type Writing } from '@tallystick/testing/raw_client';
import type { RawCase } from './raw_case.ts';
import { statusesIn } from './statuses.ts';
import type { StrictRequest } from './strict_request.ts';
import type { StrictUpstream } from './strict_upstream.ts';

export type Connection = 'a fresh connection' | 'a connection in use';

/** Whose token, and for which API. */
export interface Held {
  /** The API's prefix. */
  readonly path: string;
  readonly token: string;
  /** What the API gets in its place. */
  readonly authorization: RegExp;
}

export interface Outcome {
  readonly statuses: string;
  readonly requests: readonly StrictRequest[];
  /** Everything that the API was sent because of it, without the Authorization header that it is meant to get. */
  readonly bytes: string;
}

export interface Attacker {
  /**
   * Writes a case to the gateway, waits for what comes of it, and then lets an honest client make a request.
   *
   * @throws {Error} the honest client was not served as if nothing had happened
   */
  attack(held: Held, raw: RawCase, connection: Connection, writing: Writing): Promise<Outcome>;
}

/** One at a time: what the API sees meanwhile is counted for the case. */
export function createAttacker(gateway: string, upstream: StrictUpstream): Attacker {
  let count = 0;

  /** The next request over the gateway's connections to the API: where one has been poisoned it goes wrong. */
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
      // Were there a second request in it, it would have arrived by the time that an honest one has.
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

import { authorization, getApi, head, hidden, passes, post, type RawCase, refused } from './raw_case.ts';

const websocket = ['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='];
const upgrade = (...headers: string[]) => getApi('Connection: Upgrade', ...headers, ...websocket);
const declined = upgrade('Upgrade: websocket').replace('/a', '/declined');
const another = (target = '{path}/b', ...headers: string[]) =>
  head(`GET ${target} HTTP/1.1`, 'Host: gateway.localhost', ...headers);
/** After the upgrade the connection is a tunnel, and the gateway parses no HTTP in it. */
const upgraded = (name: string, bytes: string): RawCase => ({ ...passes(name, bytes), answers: '101' });

/** Connection, Expect, Trailer, upgrades and pipelining (RFC 9110 sections 7.6, 7.8, 10.1.1; RFC 6455). */
export const connections: readonly RawCase[] = [
  ...[
    'authorization',
    'Authorization, close',
    'host',
    'x-forwarded-for',
    'keep-alive, authorization',
    'cookie',
    '@',
    ',',
    '',
  ].map((value) => passes(`Connection: ${value || 'nothing'}`, getApi(`Connection: ${value}`))),
  passes('Connection twice', getApi('Connection: authorization', 'Connection: host')),
  passes('Connection names a header', getApi('X-Hop: mallory', 'Connection: x-hop')),
  passes('Connection names a header among others', getApi('X-Hop: mallory', 'Connection: keep-alive,  X-HOP , te')),
  passes('Connection folded with an underscore', getApi('Connection_: authorization')),
  passes('Keep-Alive', getApi('Keep-Alive: timeout=5, max=mallory')),
  passes('Proxy-Connection', getApi('Proxy-Connection: mallory')),
  passes('TE', getApi('TE: trailers, mallory')),
  passes('Trailer on a GET', getApi('Trailer: authorization')),
  passes('Trailer on a body with a length', post(['Trailer: authorization', 'Content-Length: 4'], 'abcd'), 'abcd'),
  passes('Expect with a body', post(['Expect: 100-continue', 'Content-Length: 4'], 'abcd'), 'abcd'),
  passes('Expect in capitals', post(['Expect: 100-CONTINUE', 'Content-Length: 4'], 'abcd'), 'abcd'),
  passes(
    'Expect with chunks',
    post(['Expect: 100-continue', 'Transfer-Encoding: chunked'], '4\r\nabcd\r\n0\r\n\r\n'),
    'abcd',
  ),
  passes('Expect without a body', getApi('Expect: 100-continue')),
  passes(
    'Expect named by Connection',
    post(['Expect: 100-continue', 'Connection: expect', 'Content-Length: 4'], 'abcd'),
    'abcd',
  ),
  refused(
    'Expect without a token',
    head('POST {path}/a HTTP/1.1', 'Host: gateway.localhost', 'Expect: 100-continue', 'Content-Length: 4'),
    '401',
  ),
  passes('Expect of something else', post(['Expect: mallory', 'Content-Length: 4'], 'abcd'), 'abcd'),
  passes('Expect twice', post(['Expect: 100-continue', 'Expect: mallory', 'Content-Length: 4'], 'abcd'), 'abcd'),
  passes('Max-Forwards', getApi('Max-Forwards: 0')),
  passes('Via', getApi('Via: 1.1 a')),
  passes('Upgrade without Connection', getApi('Upgrade: websocket')),
  passes('Connection: Upgrade without Upgrade', getApi('Connection: Upgrade')),
  passes('HTTP2-Settings alone', getApi('HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA')),
  upgraded('an upgrade', upgrade('Upgrade: websocket')),
  upgraded('an upgrade in capitals', upgrade('Upgrade: WEBSOCKET')),
  upgraded('an upgrade with an identity', upgrade('Upgrade: websocket', 'X-User: mallory')),
  upgraded('an upgrade with a request behind it', upgrade('Upgrade: websocket') + another('{path}/b')),
  upgraded(
    'an upgrade of which Connection names Authorization',
    getApi('Connection: Upgrade, Authorization', 'Upgrade: websocket', ...websocket),
  ),
  passes('an upgrade that the API declines', declined),
  passes('an upgrade that the API declines, with a request behind it', declined + another('{path}/b', authorization)),
  passes('an upgrade that the API declines, with junk behind it', `${declined}junk\r\n\r\n`),
  refused(
    'an upgrade without a token',
    another('{path}/a', 'Connection: Upgrade', 'Upgrade: websocket', ...websocket),
    '401',
  ),
  refused(
    'an upgrade without a token, with a request behind it',
    another('{path}/a', 'Connection: Upgrade', 'Upgrade: websocket', ...websocket) + getApi(),
    '401',
  ),
  refused(
    'an upgrade with a token in the query',
    another('{path}/a?access_token={token}', 'Connection: Upgrade', 'Upgrade: websocket', ...websocket),
    '400',
  ),
  refused('an upgrade with two tokens', upgrade('Upgrade: websocket', authorization)),
  upgraded(
    'an upgrade in absolute form',
    upgrade('Upgrade: websocket').replace('{path}', 'http://gateway.localhost{path}'),
  ),
  refused('an upgrade with dots', upgrade('Upgrade: websocket').replace('/a', '/../jwt')),
  refused('an upgrade with a length', `${upgrade('Upgrade: websocket', `Content-Length: ${hidden.length}`)}${hidden}`),
  refused('an upgrade with chunks', `${upgrade('Upgrade: websocket', 'Transfer-Encoding: chunked')}0\r\n\r\n${hidden}`),
  refused(
    'an upgrade with a length and chunks',
    `${upgrade('Upgrade: websocket', `Content-Length: ${hidden.length}`, 'Transfer-Encoding: chunked')}0\r\n\r\n${hidden}`,
  ),
  refused('an upgrade of a POST', upgrade('Upgrade: websocket').replace('GET', 'POST')),
  refused(
    'an upgrade to HTTP/2',
    getApi('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA'),
  ),
  refused('an upgrade to HTTP/2 or WebSocket', upgrade('Upgrade: h2c, websocket')),
  refused('an upgrade to WebSocket or HTTP/2', upgrade('Upgrade: websocket, h2c')),
  refused('an upgrade to TLS', getApi('Connection: Upgrade', 'Upgrade: TLS/1.0')),
  passes('an empty upgrade', upgrade('Upgrade:')),
  refused(
    'a CONNECT with a request behind it',
    head('CONNECT gateway:80 HTTP/1.1', 'Host: gateway.localhost') + getApi(),
    '405',
  ),
  { ...passes('a request, then one without a token', getApi() + another()), answers: '200 401' },
  { ...passes('one without a token, then a request', another() + getApi()), answers: '401 200' },
  { ...passes('a request, then junk', `${getApi()}junk\r\n\r\n`), answers: '200 400|200|', reaches: '0 or 1' },
  { ...passes('a request, then half of one', getApi() + getApi().slice(0, -4)), answers: '200 400|200' },
  { ...passes('a request, then a path that is none', getApi() + another('/none')), answers: '200 404' },
  {
    ...passes('a request, then one in absolute form', getApi() + another('http://gateway.localhost{path}/b')),
    answers: '200 401',
  },
  {
    ...passes('a request, then one in absolute form to another host', getApi() + another('http://mallory{path}/b')),
    answers: '200 400',
  },
  { ...passes('a request, then TRACE', getApi() + another().replace('GET', 'TRACE')), answers: '200 405' },
  {
    ...passes(
      'a request, then an upgrade without a token',
      getApi() + another('{path}/a', 'Connection: Upgrade', 'Upgrade: websocket', ...websocket),
    ),
    answers: '200 401',
  },
  {
    ...passes('a request, then CONNECT', getApi() + head('CONNECT gateway:80 HTTP/1.1', 'Host: gateway.localhost')),
    answers: '200 405',
  },
  passes('a request that closes, then another', getApi('Connection: close') + getApi()),
  passes('a request of HTTP/1.0, then another', head('GET {path}/a HTTP/1.0', authorization) + getApi()),
  {
    ...passes('a body, then a request without a token', post(['Content-Length: 4'], 'abcd') + another()),
    answers: '200 401',
  },
  {
    ...passes('HEAD, then a request without a token', getApi().replace('GET', 'HEAD') + another()),
    answers: '200 401',
  },
];

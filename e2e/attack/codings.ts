import { authorization, chunked, getApi, head, hidden, passes, post, type RawCase, refused } from './raw_case.ts';

const body = '4\r\nabcd\r\n0\r\n\r\n';
const coding = (value: string) => post([`Transfer-Encoding: ${value}`], body);
/** As chunks, the body is empty and a hidden request follows. By the length, it is one body. */
const both = (...headers: string[]) => post(headers, `0\r\n\r\n${hidden}`);
const whole = `Content-Length: ${5 + hidden.length}`;
const unknown = '400|501';

/** Transfer-Encoding: with a length, repeated, unknown, and disguised (RFC 9112 section 6.1). */
export const codings: readonly RawCase[] = [
  passes('chunks', coding('chunked'), 'abcd'),
  passes('chunks in capitals', coding('CHUNKED'), 'abcd'),
  passes('chunks without a blank after the colon', post(['Transfer-Encoding:chunked'], body), 'abcd'),
  passes('chunks between blanks', coding('\t chunked'), 'abcd'),
  refused('a length and chunks', both(whole, 'Transfer-Encoding: chunked')),
  refused('chunks and a length', both('Transfer-Encoding: chunked', whole)),
  refused('a length of zero and chunks', both('Content-Length: 0', 'Transfer-Encoding: chunked')),
  refused(
    'chunks and a length named by Connection',
    both('Transfer-Encoding: chunked', whole, 'Connection: content-length'),
  ),
  refused(
    'chunks named by Connection and a length',
    both('Transfer-Encoding: chunked', whole, 'Connection: transfer-encoding'),
  ),
  refused('chunked twice', coding('chunked, chunked'), unknown),
  refused('chunked in two headers', post(['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], body), unknown),
  refused('gzip, then chunked', coding('gzip, chunked'), unknown),
  refused('chunked, then gzip', coding('chunked, gzip'), unknown),
  refused('identity', coding('identity'), unknown),
  refused('chunked, then identity', coding('chunked, identity'), unknown),
  refused(
    'identity, then chunked in another header',
    post(['Transfer-Encoding: identity', 'Transfer-Encoding: chunked'], body),
    unknown,
  ),
  refused(
    'chunked, then identity in another header',
    post(['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], body),
    unknown,
  ),
  refused('a coding that ends like chunked', coding('xchunked'), unknown),
  refused('a coding that begins like chunked', coding('chunkedx'), unknown),
  refused('chunked with a parameter', coding('chunked;q=1'), unknown),
  refused('chunked in quotes', coding('"chunked"'), unknown),
  refused('chunked after a comma', coding(', chunked'), unknown),
  refused('chunked before a comma', coding('chunked,'), unknown),
  refused('chunked after a vertical tab', coding('\x0bchunked'), unknown),
  refused('chunked before a form feed', coding('chunked\x0c'), unknown),
  refused('chunked after a byte that is not ASCII', coding('\xa0chunked'), unknown),
  refused('chunked with a NUL', coding('chunked\x00'), unknown),
  refused('an empty coding', post(['Transfer-Encoding:'], hidden), `${unknown}|${unknown} 404`),
  refused('a folded coding', coding('\r\n chunked'), unknown),
  refused('a coding folded with a tab', coding('\r\n\tchunked'), unknown),
  refused('a coding after a bare line feed', post(['X-A: b\nTransfer-Encoding: chunked'], body)),
  refused('a coding after a bare carriage return', post(['X-A: b\rTransfer-Encoding: chunked'], body)),
  refused('a blank before the colon of the coding', post(['Transfer-Encoding : chunked'], body)),
  refused('a blank before the coding', post([' Transfer-Encoding: chunked'], body)),
  refused('a NUL in the name of the coding', post(['Transfer-Encoding\x00: chunked'], body)),
  passes(
    'Transfer_Encoding beside a length',
    post(['Transfer_Encoding: chunked', 'Content-Length: 4'], 'abcd'),
    'abcd',
  ),
  {
    ...passes('Transfer_Encoding, which is another header', getApi('Transfer_Encoding: chunked') + hidden),
    answers: '200 404',
  },
  passes('TE, which is another header', getApi('TE: chunked')),
  passes(
    'Content-Encoding, which is another header',
    post(['Content-Encoding: chunked', 'Content-Length: 4'], 'abcd'),
    'abcd',
  ),
  refused(
    'chunks in HTTP/1.0',
    head('POST {path}/a HTTP/1.0', 'Host: gateway.localhost', authorization, 'Transfer-Encoding: chunked') + body,
    unknown,
  ),
  ...['GET', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH'].map((method) =>
    passes(
      `${method} with chunks that look like a request`,
      chunked(`${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`).replace('POST', method),
      hidden,
    ),
  ),
];

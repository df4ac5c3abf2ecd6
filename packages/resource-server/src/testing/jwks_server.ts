import type { RequestListener } from 'node:http';
import { serve } from '@tallystick/testing/serve';
import type { SigningKey } from '@tallystick/testing/signing_key';

/** A JWKS endpoint whose keys and behaviour a test can change. */
export async function serveJwks(...keys: SigningKey[]) {
  const answerKeys: RequestListener = (_, res) => {
    res.setHeader('content-type', 'application/jwk-set+json');
    res.end(JSON.stringify({ keys: state.keys.map(({ jwk }) => jwk) }));
  };
  const state = { keys, requests: 0, answer: answerKeys };
  const { origin: url, stop } = await serve((req, res) => {
    state.requests += 1;
    state.answer(req, res);
  });
  /** Holds all answers until the returned function is called. */
  const holdAnswers = () => {
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    state.answer = (req, res) => released.then(() => answerKeys(req, res));
    return release;
  };
  return Object.assign(state, { answerKeys, holdAnswers, uri: `${url}/jwks`, stop });
}

/** A listener that answers with this status and body. */
export function answering(status: number, text = '', headers: Record<string, string> = {}): RequestListener {
  return (_, res) => {
    res.writeHead(status, headers).end(text);
  };
}

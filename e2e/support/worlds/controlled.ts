import type { Config, ConfigInput } from 'tallystick';
import { type OneProcess, startOneProcess } from './one_process.ts';
import { resourceOf, type Style } from './world.ts';

export interface ControlAnswer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it as they expect it to be
  readonly body: any;
}

/** Calls a control API. */
export type Control = (method: string, path: string, body?: unknown) => Promise<ControlAnswer>;

export function controlAt(controlUrl: string): Control {
  return async (method, path, body) => {
    const answer = await fetch(controlUrl + path, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) };
  };
}

export interface Controlled extends OneProcess {
  readonly controlUrl: string;
  readonly control: Control;
  /** Issues a token without a flow, to `demo-service` with scope `read`. */
  mint(style: Style, more?: object): Promise<{ accessToken: string; jwt: string }>;
}

/** The demo in this process, with its control API. */
export async function startControlled(more: (config: Config) => ConfigInput = (config) => config) {
  const world = await startOneProcess((config) =>
    more({ ...config, controlApi: { ...config.controlApi, enabled: true } }),
  );
  const controlUrl = String(world.tallystick.controlUrl);
  const control = controlAt(controlUrl);

  async function mint(style: Style, request: object = {}) {
    const answer = await control('POST', '/tokens', {
      client: 'demo-service',
      api: resourceOf(style),
      scopes: ['read'],
      ...request,
    });
    if (answer.status !== 201) throw new Error(JSON.stringify(answer));
    world.log.secret(answer.body.accessToken, answer.body.jwt);
    return answer.body as { accessToken: string; jwt: string };
  }

  return { ...world, controlUrl, control, mint } satisfies Controlled;
}

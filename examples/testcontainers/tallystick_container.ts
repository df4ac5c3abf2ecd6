import { createServer } from 'node:net';
import { AbstractStartedContainer, GenericContainer, type StartedTestContainer, Wait } from 'testcontainers';

const GATEWAY = 4100;
const CONTROL_API = 4300;
/** Podman makes Testcontainers wait for each port that the image exposes, so all are published. */
const OTHER_PORTS = [4000, 4200];

/** Tallystick in a container of an engine on this machine, with its control API. It answers for the name `localhost` only. */
export class TallystickContainer extends GenericContainer {
  constructor(image: string) {
    super(image);
    this.withEnvironment({ TALLYSTICK_CONTROL_API_ENABLED: 'true', TALLYSTICK_ALLOWED_HOSTS: '[]' });
  }

  /** Uses this configuration, as in `tallystick.config.yaml`, instead of the built-in demo. */
  withConfig(config: object): this {
    return this.withEnvironment({ TALLYSTICK_CONFIG: JSON.stringify(config) });
  }

  override async start(): Promise<StartedTallystickContainer> {
    // The issuer contains the port, so the port has the same number inside and outside the container.
    const port = await freePort();
    const issuer = `http://localhost:${port}`;
    this.withEnvironment({ TALLYSTICK_ISSUER: issuer, TALLYSTICK_AUTHORIZATION_SERVER_PORT: String(port) })
      .withExposedPorts({ container: port, host: port }, GATEWAY, CONTROL_API, ...OTHER_PORTS)
      .withWaitStrategy(Wait.forLogMessage(/^Tallystick is ready/));
    return new StartedTallystickContainer(await super.start(), issuer);
  }
}

export interface TokenRequest {
  readonly user?: string;
  readonly client?: string;
  /** Resource indicator of the API. */
  readonly api?: string;
  readonly scopes?: readonly string[];
}

export class StartedTallystickContainer extends AbstractStartedContainer {
  /** The issuer identifier, which is also the URL of the authorization server. */
  readonly issuer: string;

  constructor(container: StartedTestContainer, issuer: string) {
    super(container);
    this.issuer = issuer;
  }

  get gatewayUrl(): string {
    return this.urlOf(GATEWAY);
  }

  get controlUrl(): string {
    return this.urlOf(CONTROL_API);
  }

  /** Issues an access token without a flow. @throws {Error} the control API refused the request */
  async token(request: TokenRequest = {}): Promise<{ accessToken: string; jwt?: string }> {
    const answer = await fetch(`${this.controlUrl}/tokens`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(request),
    });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    return (await answer.json()) as { accessToken: string; jwt?: string };
  }

  private urlOf(port: number): string {
    return `http://localhost:${this.getMappedPort(port)}`;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

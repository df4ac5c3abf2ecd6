/** The command line is wrong. The message says how. */
export class UsageError extends Error {}

export const HELP = `Tallystick: opaque tokens outside, JWTs inside.

Usage: tallystick <command> [--config tallystick.config.yaml]

  start                  everything in one process: authorization server, gateway, sample API
  authorization-server   one role each, for containers and for several processes on one Redis;
  gateway                they reload their configuration on SIGHUP
  sample-api
  demo                   the four ways to serve an access token, hop by hop, in the terminal
  config validate        checks the configuration file
  config schema          prints its JSON Schema

Options:
  -c, --config <file>    YAML or JSON (default: tallystick.config.yaml)
  -w, --workers <n>      gateway: number of processes that share its port (default: 1)
  -h, --help
  -v, --version

Every configuration value can also be set in the environment, by its path:
store.url is TALLYSTICK_STORE_URL, authorizationServer.port is TALLYSTICK_AUTHORIZATION_SERVER_PORT.

Examples:
  tallystick start
  TALLYSTICK_GATEWAY_PORT=8080 tallystick start
  TALLYSTICK_ISSUER=https://localhost:4000 TALLYSTICK_TLS_SELF_MADE=true tallystick start
  tallystick gateway --config /etc/tallystick.yaml --workers 4
  tallystick config schema > tallystick.schema.json`;

import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];

/** Colours text if the output is a terminal and `NO_COLOR` is not set. */
export function colour(format: Format, text: string): string {
  return process.stdout.isTTY && !process.env.NO_COLOR ? styleText(format, text) : text;
}

/** How clients can be made to trust the certificate authority of the servers. */
export function trustHint(caFile: string): string {
  return `curl --cacert ${caFile}   NODE_EXTRA_CA_CERTS=${caFile}`;
}

/** How clients come to trust the certificate of the servers. */
export function trustHint(caFile: string): string {
  return `curl --cacert ${caFile}   NODE_EXTRA_CA_CERTS=${caFile}`;
}

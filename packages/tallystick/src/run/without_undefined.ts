/** An optional value that is not there is left out, as the packages' types have it. */
export function withoutUndefined(value: object): object {
  return JSON.parse(JSON.stringify(value)) as object;
}

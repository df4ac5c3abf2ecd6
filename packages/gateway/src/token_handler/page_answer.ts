/** What an endpoint of the token handler answers. */
export type PageAnswer =
  | { readonly location: string; readonly cookies: readonly string[] }
  | { readonly json?: object; readonly cookies?: readonly string[] };

/** How an API's access tokens are served: what the client holds, and how it becomes what the API gets. */
export type AccessTokenStyle = 'jwt' | 'opaque' | 'phantom' | 'split';

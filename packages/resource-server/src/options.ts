/** Checks of options, so that an option of the wrong type fails at creation and not at the first request. */

/** @throws TypeError unless `value` is a non-empty string. */
export function requireString(name: string, value: unknown): asserts value is string {
  if (typeof value !== 'string' || value === '') throw new TypeError(`${name} must be a non-empty string`);
}

/** @returns the audience as a list. @throws TypeError unless `value` is a non-empty string or a list of them. */
export function requireAudience(value: string | readonly string[]): string[] {
  const audiences = [value].flat();
  if (audiences.length === 0) throw new TypeError('audience must not be empty');
  for (const audience of audiences) requireString('audience', audience);
  return audiences;
}

/** @throws TypeError unless `value` is an absolute http(s) URL without credentials (`fetch` refuses credentials in a URL). */
export function requireHttpUrl(name: string, value: unknown): asserts value is string {
  requireString(name, value);
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    throw new TypeError(`${name} must be an absolute http or https URL without credentials`);
  }
}

/** @throws TypeError unless `value` is a function. */
export function requireFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') throw new TypeError(`${name} must be a function`);
}

/** @throws TypeError unless `value` is a finite number of at least `minimum`. */
export function requireNumber(name: string, value: unknown, minimum: number): asserts value is number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < minimum) {
    throw new TypeError(`${name} must be a number of at least ${minimum}`);
  }
}

/** @throws TypeError unless `value` is an array of JWS algorithms, all of them asymmetric (RFC 8725 section 3.1). */
export function requireAsymmetric(name: string, value: unknown): asserts value is readonly string[] {
  const accepted = (algorithm: unknown) => typeof algorithm === 'string' && !/^(none|hs\d*)$/i.test(algorithm);
  if (!Array.isArray(value) || value.length === 0 || !value.every(accepted)) {
    throw new TypeError(`${name} must be a non-empty array of asymmetric JWS algorithms`);
  }
}

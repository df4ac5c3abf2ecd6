import { type Html, html } from '@tallystick/common/page';

/** The `authorization_details` of a request (RFC 9396), complete: a table for each, with a row for each value. */
export function authorizationDetailTables(details: readonly object[]): Html[] {
  return details.map((detail) => {
    const { type, ...members } = detail as { readonly type?: unknown };
    const rows = rowsOf(members).map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`);
    return html`<table><caption>${spaced(String(type ?? 'authorization details'))}</caption><tbody>${
      rows.length > 0 ? rows : html`<tr><td>no further details</td></tr>`
    }</tbody></table>`;
  });
}

/** The rows of an object: those of a nested object have the names of both, and a list of simple values is one row. */
function rowsOf(members: object, parents: readonly string[] = []): [string, string][] {
  return Object.entries(members).flatMap(([name, value]): [string, string][] => {
    const path = [...parents, Array.isArray(members) ? String(Number(name) + 1) : spaced(name)];
    const isSimple = typeof value !== 'object' || value === null;
    if (isSimple || Object.keys(value).length === 0) return [[path.join(' › '), isSimple ? String(value) : 'none']];
    const values: readonly unknown[] = Array.isArray(value) ? value : [];
    if (values.length > 0 && values.every((item) => typeof item !== 'object' || item === null))
      return [[path.join(' › '), values.join(', ')]];
    return rowsOf(value, path);
  });
}

/** A member name as words: `instructedAmount` and `instructed_amount` as `instructed amount`. */
function spaced(name: string): string {
  return name
    .replace(/_/g, ' ')
    .replace(/([a-z])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`);
}

import { type Html, html } from '@tallystick/common/page';
import type { UserConfig } from '../config/config.ts';

/** The number of users from which on a page offers a search. */
const SEARCHED = 9;

/** The number of users that a page shows at once. */
const SHOWN = 50;

/** Characters of a search. */
const MAX_SEARCH = 100;

/** A search for a user when there are many. A plain GET form to the page itself, which works without scripts. */
export function userSearch(users: readonly UserConfig[], search: string): Html | undefined {
  if (users.length < SEARCHED) return undefined;
  return html`<form class="search" method="get" role="search">
<div><label for="search">Find a user</label>
<input type="search" id="search" name="search" value="${bounded(search)}" maxlength="${MAX_SEARCH}" autocomplete="off" spellcheck="false"></div>
<button>Search</button>
</form>
<p role="status">${describeResult(users.length, find(users, search).length, bounded(search))}</p>`;
}

/** A button for each user that the search finds. */
export function userButtons(users: readonly UserConfig[], search: string): Html {
  const buttons = find(users, search)
    .slice(0, SHOWN)
    .map(
      (user) => html`<button class="user" name="user" value="${user.id}">
<span class="initial" aria-hidden="true">${[...nameOf(user)][0]?.toUpperCase()}</span>
<span class="who"><b>${nameOf(user)}</b> <small>${describe(user)}</small></span></button>`,
    );
  return html`<div class="users">${buttons}</div>`;
}

function describeResult(all: number, found: number, search: string): string {
  if (search === '') return found > SHOWN ? `${SHOWN} of ${all} users are shown.` : `${all} users`;
  if (found === 0) return `None of the ${all} users matches “${search}”.`;
  return `${found} of ${all} users match “${search}”${found > SHOWN ? `; ${SHOWN} are shown` : ''}.`;
}

/** The users whose identifier, name or email address contains the text, or all of them. */
function find(users: readonly UserConfig[], search: string): readonly UserConfig[] {
  const text = bounded(search).toLowerCase();
  if (users.length < SEARCHED || text === '') return users;
  const isFound = (user: UserConfig) =>
    [user.id, nameOf(user), user.claims.email].some((value) =>
      String(value ?? '')
        .toLowerCase()
        .includes(text),
    );
  return users.filter(isFound);
}

function bounded(search: string): string {
  return search.trim().slice(0, MAX_SEARCH);
}

function nameOf({ id, claims }: UserConfig): string {
  return typeof claims.name === 'string' && claims.name !== '' ? claims.name : id;
}

function describe({ id, claims }: UserConfig): string {
  return [id, claims.email, claims.role].filter((value) => typeof value === 'string' && value !== '').join(' · ');
}

export { checkRequest, findFault, type RequestFault } from './check_request.ts';
export { listMembers, mediaTypeOf, trimWhitespace } from './header_grammar.ts';
export { readHost } from './host.ts';
export { createOwnNames, type IsOwnName, readPattern } from './own_names.ts';
export { findTargetFault } from './request_target.ts';
export { answerUnreadable, type PlainAnswer } from './unreadable_requests.ts';

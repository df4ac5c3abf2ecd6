export { listMembers, mediaTypeOf, trimWhitespace } from './header_grammar.ts';

/** The sources of requirements. */
export const rfc = (number: number, section: string) =>
  `https://www.rfc-editor.org/rfc/rfc${number}#section-${section}`;
export const design = 'docs/design.md';

export type Requirements = Readonly<Record<string, { readonly sentence: string; readonly link: string }>>;

// Prints what GitHub's language service finds in the documents of the first argument, as JSON.
import { validate } from '@actions/languageservice';
import { TextDocument } from 'vscode-languageserver-textdocument';

/** @type {{ name: string, text: string }[]} */
const documents = JSON.parse(process.argv[2] ?? '');
const found = await Promise.all(
  documents.map(({ name, text }) => validate(TextDocument.create(`file:///${name}`, 'yaml', 1, text))),
);
console.log(JSON.stringify(found.flat().map(({ message }) => message)));

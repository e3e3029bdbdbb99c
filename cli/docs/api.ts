/** docs/api.md: every export of every entry, from its doc comment; the language's functions are in docs/language.md. */
import { type Entry, type Exported, readEntries } from './exports.js';

const TOP = `# The interface

Every export of every entry, written from the declarations that the package ships, which an editor shows as well;
[the library](library.md) shows how they go together. What is thrown is a \`RecurveError\` with one of [these codes](errors.md),
if nothing else is said.
`;

const GROUPS: readonly (readonly [title: string, kinds: readonly Exported['kind'][]])[] = [
  ['Values', ['function', 'class', 'constant']],
  ['Types', ['type']],
];

/** The functions of the language, as a spec imports them. */
export const isOfLanguage = ({ name }: Entry, { kind }: Exported): boolean => name === 'recurve' && kind === 'function';

/** An export stands in the first entry that has it; the others name that entry. */
export function apiPage(entries: readonly Entry[] = readEntries()): string {
  const owners = new Map<string, string>();
  const sections = entries.map((entry) => {
    const others = new Set(entry.exported.flatMap(({ place }) => owners.get(place) ?? []));
    const own = entry.exported.filter((exported) => !owners.has(exported.place) && !isOfLanguage(entry, exported));
    for (const { place } of entry.exported) owners.set(place, owners.get(place) ?? entry.name);
    return [
      `## ${entry.name}`,
      entry.documentation,
      ...(entry.exported.some((exported) => isOfLanguage(entry, exported))
        ? ['Its functions stand in [the language](language.md).']
        : []),
      ...[...others].map((other) =>
        again(
          entry,
          entries.find(({ name }) => name === other),
        ),
      ),
      ...GROUPS.flatMap(([title, kinds]) =>
        group(
          title,
          own.filter(({ kind }) => kinds.includes(kind)),
        ),
      ),
    ].join('\n\n');
  });
  return [TOP, ...sections.map((section) => `${section}\n`)].join('\n');
}

/** What an entry has of another: all of it, or some names. */
function again(entry: Entry, other: Entry | undefined): string {
  if (other === undefined) throw new Error(`${entry.name} exports what no entry has`);
  const places = new Set(entry.exported.map(({ place }) => place));
  const shared = other.exported.filter(({ place }) => places.has(place));
  const all = shared.length === other.exported.length;
  const what = all ? 'everything' : shared.map(({ name }) => `\`${name}\``).join(' ');
  return `Of [${other.name}](#${anchorOf(other.name)}) it has ${what}.`;
}

function group(title: string, exported: readonly Exported[]): string[] {
  if (exported.length === 0) return [];
  return [`**${title}:** ${exported.map(({ name }) => `\`${name}\``).join(' ')}`, ...exported.map((each) => section(each))];
}

function section({ name, documentation, declaration }: Exported): string {
  return [`### ${name}`, ...(documentation === '' ? [] : [documentation]), `\`\`\`ts\n${declaration}\n\`\`\``].join('\n\n');
}

const anchorOf = (title: string) =>
  title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');

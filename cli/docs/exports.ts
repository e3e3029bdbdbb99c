/** What the package's entries export, as the declarations that ship with it say. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type JSDoc, type JSDocTag, Node, type ParameterDeclaration, Project, type SourceFile, ts } from 'ts-morph';
import { ownPackage } from '../../runtime/node/package.js';

export interface Entry {
  /** `recurve/node`. */
  readonly name: string;
  /** The comment at the head of its file. */
  readonly documentation: string;
  /** By name, in alphabetical order. */
  readonly exported: readonly Exported[];
}

export interface Exported {
  readonly name: string;
  /** Types vanish when a program is built. */
  readonly kind: 'function' | 'class' | 'constant' | 'type';
  /** In Markdown; empty where there is no doc comment. */
  readonly documentation: string;
  /** The declaration with the comments of its members; what is private or for recurve's own use left out. */
  readonly declaration: string;
  /** Of a function: what it is called with, `_x` as `x`. */
  readonly parameters: readonly string[];
  /** Public members of a class, an interface or an object type, and the doc comment of each. */
  readonly members: readonly { readonly name: string; readonly documentation: string }[];
  /** Types of the package that its declaration names, outside of what is not shown. */
  readonly mentions: readonly string[];
  /** Path of the declaration and its place in it: the same where two entries export one thing. */
  readonly place: string;
}

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, string | { readonly types: string }>>;
}

/** All entries of package.json, in its order. Their declarations are read from `dist`: build first. */
export function readEntries(): Entry[] {
  const { root } = ownPackage();
  const { name, exports }: Manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const project = new Project({
    compilerOptions: {
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      noLib: true,
      types: [],
    },
  });
  return Object.entries(exports).flatMap(([path, target]): Entry[] => {
    if (typeof target === 'string') return []; // package.json itself
    const file = project.addSourceFileAtPath(join(root, target.types));
    return [{ name: join(name, path), documentation: headOf(file), exported: exportedBy(file) }];
  });
}

function headOf(file: SourceFile): string {
  const [, comment = ''] = /^(?:\/\/\/.*\n)?\/\*\*([\s\S]*?)\*\//.exec(file.getFullText()) ?? [];
  return comment.replace(/^ ?\* ?/gm, '').trim();
}

function exportedBy(file: SourceFile): Exported[] {
  return [...file.getExportedDeclarations()]
    .toSorted(([a], [b]) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1))
    .map(([name, declarations]) => describe(name, declarations));
}

function describe(name: string, declarations: readonly Node[]): Exported {
  const [first] = declarations;
  if (first === undefined) throw new Error(`${name} is exported and declared nowhere`);
  return {
    name,
    kind: kindOf(first),
    documentation: declarations
      .map(documentationOf)
      .filter((text) => text !== '')
      .join('\n\n'),
    declaration: declarations.map(declarationText).join('\n'),
    parameters: Node.isFunctionDeclaration(first) ? first.getParameters().map(called) : [],
    members: membersOf(first)
      .filter(isPublic)
      .map((member) => ({ name: nameOf(member), documentation: documentationOf(member) })),
    mentions: [...new Set(declarations.flatMap(mentionedBy))].toSorted(),
    place: `${first.getSourceFile().getFilePath()}:${first.getPos()}`,
  };
}

/** Named types, but for parameters of types and those of TypeScript and WebGPU. */
function mentionedBy(node: Node): string[] {
  if (Node.isVariableDeclaration(node)) return []; // shown without its type
  const hidden = membersOf(node).filter((member) => !isPublic(member));
  const named = node
    .getDescendants()
    .filter((inner) => Node.isTypeReference(inner) || Node.isExpressionWithTypeArguments(inner))
    .filter((inner) => !hidden.some((member) => member === inner || inner.getAncestors().includes(member)))
    .map((inner) => (Node.isTypeReference(inner) ? inner.getTypeName() : inner.getExpression()));
  return named.flatMap((name) => {
    const symbol = name.getSymbol();
    const [declared] = (symbol?.getAliasedSymbol() ?? symbol)?.getDeclarations() ?? [];
    const own = declared !== undefined && !Node.isTypeParameterDeclaration(declared) && !isForeign(declared.getSourceFile());
    return own ? [name.getText()] : [];
  });
}

const isForeign = (file: SourceFile) => /node_modules|webgpu-types/.test(file.getFilePath().slice(ownPackage().root.length));

/** A parameter of a call: `x`, `axis?`, `...more`. */
function called(parameter: ParameterDeclaration): string {
  const rest = parameter.isRestParameter() ? '...' : '';
  return `${rest}${plain(parameter.getName())}${parameter.hasQuestionToken() ? '?' : ''}`;
}

function kindOf(node: Node): Exported['kind'] {
  if (Node.isFunctionDeclaration(node)) return 'function';
  if (Node.isClassDeclaration(node)) return 'class';
  return Node.isVariableDeclaration(node) ? 'constant' : 'type';
}

function membersOf(node: Node): Node[] {
  if (Node.isClassDeclaration(node))
    return [...node.getConstructors(), ...node.getMembers().filter((member) => !Node.isConstructorDeclaration(member))];
  if (Node.isInterfaceDeclaration(node)) return node.getMembers();
  const type = Node.isTypeAliasDeclaration(node) ? node.getTypeNode() : undefined;
  return Node.isTypeLiteral(type) ? type.getMembers() : [];
}

const docsOf = (node: Node): JSDoc[] => {
  const holder = Node.isVariableDeclaration(node) ? node.getVariableStatement() : node;
  return Node.isJSDocable(holder) ? holder.getJsDocs() : [];
};

/** `#names` and what is tagged `@internal`: exported for recurve's own rooms. */
function isPublic(member: Node): boolean {
  if (/^#/.test(member.getText())) return false;
  return !docsOf(member).some((doc) => doc.getTags().some((tag) => tag.getTagName() === 'internal'));
}

function nameOf(member: Node): string {
  if (Node.isConstructorDeclaration(member)) return 'constructor';
  return Node.hasName(member) ? member.getName() : member.getText();
}

function documentationOf(node: Node): string {
  return docsOf(node)
    .flatMap((doc) => [doc.getDescription().trim(), ...doc.getTags().map(tagText)])
    .filter((text) => text !== '')
    .join('\n\n');
}

function tagText(tag: JSDocTag): string {
  const text = tag.getCommentText()?.trim() ?? '';
  if (Node.isJSDocParameterTag(tag)) return `\`${plain(tag.getName())}\`: ${text}.`;
  return tag.getTagName() === 'throws' ? `Throws ${text}.` : '';
}

/** The language's functions are never executed, so that their parameters are marked as unused. */
const plain = (text: string) => text.replace(/(?<![\w$])_(?=\w)/g, '');

function declarationText(node: Node): string {
  if (Node.isVariableDeclaration(node)) return `const ${node.getName()}: { … }`;
  const start = node.getStart();
  const hidden = membersOf(node).filter((member) => !isPublic(member));
  // From the end, so that what is cut moves nothing that is still to be cut.
  const text = hidden
    .toSorted((a, b) => b.getStart() - a.getStart())
    .reduce((rest, member) => {
      const from = member.getStart(true) - start;
      return rest.slice(0, from).trimEnd() + rest.slice(member.getEnd() - start);
    }, node.getText());
  return plain(text.replace(/^export (?:declare )?/, '').replace(/^( {4})+/gm, (indent) => ' '.repeat(indent.length / 2)));
}

/** What a parameter or declaration binds: a name, the members of an object, the items of an array. */
import { type BindingElement, type BindingName, Node } from 'ts-morph';
import { propertyName } from '../source/syntax.js';
import type { Pattern, Span } from '../tree.js';
import { type Context, span } from './context.js';
import { refuse, refuseSpread } from './refusals.js';
import type { LocalKind } from './scope.js';

export function convertPattern(context: Context, node: BindingName): Pattern {
  const at = span(context, node);
  if (Node.isIdentifier(node)) return { kind: 'name', name: node.getText(), span: at };
  if (Node.isArrayBindingPattern(node)) {
    const names: { name: string; span: Span }[] = [];
    for (const element of node.getElements()) {
      if (!Node.isBindingElement(element)) {
        refuse(context, node, 'SPEC-PATTERN', 'every item of an array is given a name', 'Name the items that are left out, too.');
      } else names.push({ name: boundName(context, element), span: span(context, element) });
    }
    return { kind: 'array', names, span: at };
  }
  const members: { property: string; name: string; span: Span }[] = [];
  for (const element of node.getElements()) {
    if (element.getDotDotDotToken() !== undefined) {
      // Declared, but bound to nothing: what is read from it has been reported here.
      refuseSpread(context, element);
      context.scope.declare(element.getName(), 'const', span(context, element));
      continue;
    }
    const propertyNode = element.getPropertyNameNode();
    const property = propertyNode === undefined ? element.getName() : propertyName(propertyNode);
    const name = boundName(context, element);
    if (property === undefined) {
      refuse(context, element, 'SPEC-PATTERN', 'property names are written out', 'Write `{ name: local }`.');
    }
    members.push({ property: property ?? name, name, span: span(context, element) });
  }
  return { kind: 'object', members, span: at };
}

function boundName(context: Context, element: BindingElement): string {
  const node = element.getNameNode();
  if (element.getDotDotDotToken() !== undefined) refuseSpread(context, element);
  else if (element.getInitializer() !== undefined) {
    refuse(
      context,
      element,
      'SPEC-PATTERN',
      'there are no default values',
      'Remove it: whether a member exists is known when compiling.',
    );
  }
  if (Node.isIdentifier(node)) return node.getText();
  const fix = 'Take it apart in a second step: `const { a } = b;`.';
  refuse(context, node, 'SPEC-PATTERN', 'patterns have one level', fix);
  // The inner names are declared all the same, so that their uses are not reported as unknown.
  for (const inner of node.getElements()) {
    if (Node.isBindingElement(inner)) context.scope.declare(inner.getName(), 'const', span(context, inner));
  }
  return node.getText();
}

/** Declares the names a pattern binds. */
export function declarePattern(context: Context, pattern: Pattern, kind: LocalKind): void {
  const names = pattern.kind === 'name' ? [pattern] : pattern.kind === 'array' ? pattern.names : pattern.members;
  for (const { name, span: at } of names) {
    const before = context.scope.declare(name, kind, at);
    if (before !== undefined) {
      const message = `\`${name}\` is already declared on line ${before.span.line}`;
      context.report('SPEC-DUPLICATE-NAME', at, message, 'Rename one of the two.');
    }
  }
}

/** Tables of declarations, plain or as a function of the options: `{ … }`, `(o) => ({ … })`. */
import { type Expression as ExpressionNode, Node, type ObjectLiteralExpression } from 'ts-morph';
import { type Context, span } from '../convert/context.js';
import { refuse } from '../convert/refusals.js';
import { Scope } from '../convert/scope.js';
import { unwrap } from '../source/syntax.js';

export interface Table {
  /** Sees what the table calls the options, beside the names of the module. */
  readonly context: Context;
  readonly optionsName: string | undefined;
  /** `undefined` for what is no table, which is for the caller to report. */
  readonly table: ObjectLiteralExpression | undefined;
  /** False after a mistake in the head of the function. */
  readonly whole: boolean;
}

/** @param title the property that holds it, for messages */
export function readTable(outer: Context, title: string, node: ExpressionNode): Table {
  const scope = new Scope(undefined, 'plain');
  const context: Context = { ...outer, scope };
  let optionsName: string | undefined;
  let given: Node | undefined = node;
  let whole = true;
  if (Node.isArrowFunction(node)) {
    const [parameter, ...more] = node.getParameters();
    const nameNode = parameter?.getNameNode();
    if (nameNode !== undefined && (!Node.isIdentifier(nameNode) || more.length > 0)) {
      const fix = `Write \`${title}: (o) => ({ … }),\` and read \`o.option\`.`;
      refuse(context, more[0] ?? nameNode, 'SPEC-PATTERN', `\`${title}\` is a function of one name, the options`, fix);
      whole = false;
    }
    if (nameNode !== undefined) {
      optionsName = Node.isIdentifier(nameNode) ? nameNode.getText() : undefined;
      for (const name of nameNode.getDescendants().filter(Node.isIdentifier))
        scope.declare(name.getText(), 'parameter', span(context, name));
      if (optionsName !== undefined) scope.declare(optionsName, 'parameter', span(context, nameNode));
    }
    given = returned(node.getBody());
  }
  const inner = Node.isExpression(given) ? unwrap(given) : undefined;
  return { context, optionsName, table: Node.isObjectLiteralExpression(inner) ? inner : undefined, whole };
}

/** The expression an arrow returns: its body, or that of the only statement in its block. */
function returned(body: Node): Node | undefined {
  if (!Node.isBlock(body)) return body;
  const [only, ...more] = body.getStatements();
  return Node.isReturnStatement(only) && more.length === 0 ? only.getExpression() : undefined;
}

/**
 * What went wrong while parsing, for the checks that follow: they go on over the rest of the file without
 * reporting a mistake's consequences as further mistakes. A tree without mistakes has an empty one.
 */
import type { DeclarationGroup, Expression, LayerDeclaration, Span } from '../tree.js';

export class Recovery {
  readonly #expressions = new WeakSet<Expression>();
  readonly #groups = new WeakSet<DeclarationGroup>();
  readonly #layers = new WeakSet<LayerDeclaration>();
  /** Some dim or option could not be read, so an unknown one may be it. */
  dimsOpen = false;
  optionsOpen = false;
  stepOpen = false;
  /** Some layer of a model could not be read. */
  layersOpen = false;
  outputsOpen = false;
  tooDeep = false;

  /** Stands for an expression whose mistake has been reported. */
  poison(span: Span): Expression {
    const expression: Expression = { kind: 'number', value: 0, span };
    this.#expressions.add(expression);
    return expression;
  }

  isPoison(expression: Expression): boolean {
    return this.#expressions.has(expression);
  }

  /** Marks a layer that does not fit its cell under some options. */
  misfit(layer: LayerDeclaration): void {
    this.#layers.add(layer);
  }

  isMisfit(layer: LayerDeclaration): boolean {
    return this.#layers.has(layer);
  }

  /** Marks a group some of whose entries could not be read. */
  open(group: DeclarationGroup): void {
    this.#groups.add(group);
  }

  isOpen(group: DeclarationGroup): boolean {
    return this.#groups.has(group);
  }
}

/** What the names in a graph stand for: initializers and constants where the file holds the values, else why it does not. */
import type { AttributeProto, TensorProto } from 'onnx-buf';

export type Definition =
  | { readonly kind: 'tensor'; readonly tensor: TensorProto }
  /** Another name for a value of the same or another scope: Identity, a function's input. */
  | { readonly kind: 'alias'; readonly scope: Scope; readonly name: string }
  /** Known only when the model runs. `by` completes "it is …". */
  | { readonly kind: 'runtime'; readonly by: string };

/** What a name leads to; `undefined` for an optional input that is left out. */
export type Found = Exclude<Definition, { kind: 'alias' }> | undefined;

export class Scope {
  /** Attributes of the call for whose function this is; a body takes them over by name. */
  readonly callAttributes: ReadonlyMap<string, AttributeProto>;
  readonly #parent: Scope | undefined;
  readonly #definitions = new Map<string, Definition>();

  /** A function's body sees nothing around it, so it has no parent. */
  static ofFunction(callAttributes: ReadonlyMap<string, AttributeProto>): Scope {
    return new Scope(undefined, callAttributes);
  }

  constructor(parent?: Scope, callAttributes = parent?.callAttributes ?? new Map<string, AttributeProto>()) {
    this.#parent = parent;
    this.callAttributes = callAttributes;
  }

  define(name: string, definition: Definition): void {
    if (name !== '') this.#definitions.set(name, definition);
  }

  /** Follows aliases and looks into enclosing graphs. */
  find(name: string): Found {
    const seen = new Set<Definition>();
    let at = this.#lookUp(name);
    while (at?.kind === 'alias') {
      if (seen.has(at)) return { kind: 'runtime', by: 'defined by itself' };
      seen.add(at);
      at = at.scope.#lookUp(at.name);
    }
    return at;
  }

  #lookUp(name: string): Definition | undefined {
    if (name === '') return undefined;
    for (let scope: Scope | undefined = this; scope; scope = scope.#parent) {
      const found = scope.#definitions.get(name);
      if (found) return found;
    }
    return { kind: 'runtime', by: 'nowhere defined' };
  }
}

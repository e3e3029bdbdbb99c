/** What the names in a graph stand for: tensors of the file, outputs of nodes, or values that only a run has. */
import type { AttributeProto, FunctionProto, GraphProto, NodeProto, TensorProto } from 'onnx-buf';
import { visible } from '../../../codegen/visible.js';
import type { PlacedNode } from './attributes.js';

export type Definition =
  | { readonly kind: 'tensor'; readonly tensor: TensorProto }
  /** Another name for a value of another scope: a function's input. */
  | { readonly kind: 'alias'; readonly scope: Scope; readonly name: string }
  | { readonly kind: 'output'; readonly source: Source; readonly index: number }
  /** Known only when the model runs. `by` completes "it is …"; made when it is asked for, since few are. */
  | { readonly kind: 'runtime'; readonly by: () => string };

/** What a name leads to; `undefined` for an optional input that is left out. */
export type Found = Exclude<Definition, { kind: 'alias' }> | undefined;

/** Characters of a name in a message. */
const LONGEST = 100;

/** A node as the maker of its outputs. */
export class Source implements PlacedNode {
  constructor(
    readonly proto: NodeProto,
    readonly scope: Scope,
    readonly name: string,
  ) {}

  /** `Concat_3 (Concat)`. */
  get label(): string {
    const short = (text: string) => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);
    return visible(`${short(this.name)} (${short(this.proto.opType)})`);
  }
}

export class Scope {
  /** Attributes of the call for whose function this is; a body takes them over by name. */
  readonly callAttributes: ReadonlyMap<string, AttributeProto>;
  /** Scopes of the graphs in attributes of this scope's nodes. */
  readonly bodies = new Map<GraphProto, Scope>();
  /** The function that a node of this scope calls, and the scope of its body. */
  readonly calls = new Map<NodeProto, { readonly definition: FunctionProto; readonly scope: Scope }>();
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
    let at = this.#lookUp(name);
    // A function's input is an alias of a name of its caller, which was there first: this ends.
    while (at?.kind === 'alias') at = at.scope.#lookUp(at.name);
    return at;
  }

  #lookUp(name: string): Definition | undefined {
    if (name === '') return undefined;
    for (let scope: Scope | undefined = this; scope; scope = scope.#parent) {
      const found = scope.#definitions.get(name);
      if (found) return found;
    }
    return { kind: 'runtime', by: () => `${visible(JSON.stringify(name.slice(0, 60)))}, which is nowhere defined` };
  }
}

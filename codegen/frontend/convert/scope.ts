/** Local names while a function body is converted: what is declared, what may be assigned, what comes later. */
import type { Span } from '../tree.js';

export type LocalKind = 'const' | 'let' | 'parameter' | 'counter';

export interface Local {
  readonly kind: LocalKind;
  readonly span: Span;
  readonly scope: Scope;
}

export class Scope {
  readonly #locals = new Map<string, Local>();
  /** Names that this block declares further down: reading them now is a mistake, not an outer name. */
  readonly #later = new Set<string>();

  /** `branch` scopes are the two sides of an `if`; `plain` ones are function bodies, loops and declaration groups. */
  constructor(
    readonly parent: Scope | undefined,
    readonly kind: 'branch' | 'plain',
  ) {}

  announce(name: string): void {
    this.#later.add(name);
  }

  /** Returns the earlier declaration when this scope already has one. */
  declare(name: string, kind: LocalKind, span: Span): Local | undefined {
    const before = this.#locals.get(name);
    if (before === undefined) this.#locals.set(name, { kind, span, scope: this });
    this.#later.delete(name);
    return before;
  }

  find(name: string): Local | 'later' | undefined {
    const own = this.#locals.get(name);
    if (own !== undefined) return own;
    if (this.#later.has(name)) return 'later';
    return this.parent?.find(name);
  }

  /** Whether a side of an `if` lies between here and the scope that declares a local. */
  crossesBranch(declaring: Scope): boolean {
    if (this === declaring) return false;
    if (this.kind === 'branch') return true;
    return this.parent?.crossesBranch(declaring) ?? false;
  }

  names(): string[] {
    return [...this.#locals.keys(), ...(this.parent?.names() ?? [])];
  }
}

/**
 * What a recurrence is, which decides how it may run: found in the graph of the next states in the old ones, whatever algebra it is
 * written in, and never by a cell's name (the classes of DESIGN: scans for what is affine, lanes on their own for what is per unit …).
 *
 * States that need each other make a group; a group sees those that it needs, but that do not need it, as known sequences. So in the
 * mLSTM of Beck et al. 2024 the stabilizer m is a maximum of sums, and once it is known the memory C is affine.
 */
import {
  argumentsOf,
  isApply,
  isContract,
  isExpand,
  isGather,
  isReduce,
  isWindow,
  type Node,
  type NodeId,
  type StepGraph,
} from '../ir/graph.js';
import { ancestorsOf, stronglyConnected } from '../ir/groups.js';
import { preorder } from '../ir/walk.js';

/** From what is easiest to run to what is hardest. */
export const RECURRENCES = ['none', 'affine', 'max-plus', 'matrix memory', 'per unit', 'dense', 'conditional'] as const;
/**
 * `none`: no state needs itself. `affine`: h′ = a ⊙ h + b. `max-plus`: h′ = max(h + a, b). `matrix memory`: of two axes or more,
 * with a decay and writes (and erasures) that are products of vectors. `per unit`: whatever a unit makes of itself. `dense`: units
 * need each other. `conditional`: dense, and where a test says so a state stays as it is.
 */
export type Recurrence = (typeof RECURRENCES)[number];

/** The class of the hardest group of states. */
export function recurrenceOf(step: Pick<StepGraph, 'nodes' | 'next'>): Recurrence {
  const classes = Object.values(recurrencesOf(step));
  return RECURRENCES.findLast((each) => classes.includes(each)) ?? 'none';
}

/** The class of every state's group, by the state. */
export function recurrencesOf(step: Pick<StepGraph, 'nodes' | 'next'>): Readonly<Record<string, Recurrence>> {
  const { nodes, next } = step;
  const names = Object.keys(next);
  const read = new Map(names.map((name) => [name, statesBehind(nodes, next[name] ?? 0)]));
  const groups = stronglyConnected(names, (name) => [...(read.get(name) ?? [])].filter((other) => names.includes(other)));
  return Object.fromEntries(
    groups.flatMap((group) => {
      const recurs = group.length > 1 || group.some((name) => read.get(name)?.has(name));
      const own = recurs ? new Group(step, new Set(group)).classify() : 'none';
      return group.map((name) => [name, own]);
    }),
  );
}

const stateOf = (node: Node): string | undefined =>
  node.op === 'state' || (node.op === 'delayed' && node.group === 'state') ? node.name : undefined;

function statesBehind(nodes: readonly Node[], root: NodeId): ReadonlySet<string> {
  const found = ancestorsOf(nodes, [root]);
  return new Set([...found].flatMap((id) => stateOf(nodes[id] ?? unknown(id)) ?? []));
}

/** How a value hangs on the states of a group. Each but `matrix` is a claim that holds for what hangs on none of them. */
interface Form {
  /** Nothing of them. */
  readonly free: boolean;
  /** Only the lane's own unit of them. */
  readonly local: boolean;
  /** Sums of them times what is free of them; of the own unit, where `local` too. */
  readonly linear: boolean;
  /** Maxima of them plus what is free of them, unit by unit. */
  readonly tropical: boolean;
  /** A matrix, a neighbour or a row that they choose stands between. */
  readonly matrix: boolean;
}

const FREE: Form = { free: true, local: true, linear: true, tropical: true, matrix: false };

class Group {
  private readonly forms: readonly Form[];

  constructor(
    private readonly step: Pick<StepGraph, 'nodes' | 'next'>,
    private readonly states: ReadonlySet<string>,
  ) {
    const forms: Form[] = [];
    for (const node of step.nodes) forms.push(this.formOf(node, (id) => forms[id] ?? unknown(id)));
    this.forms = forms;
  }

  classify(): Recurrence {
    const results = [...this.states].map((name) => this.step.next[name] ?? unknown(-1));
    const forms = results.map((id) => this.form(id));
    const every = (holds: (form: Form) => boolean) => forms.every(holds);
    if (every(({ linear, matrix }) => linear && !matrix) && results.every((id) => this.isMemory(id))) return 'matrix memory';
    if (every(({ local, linear }) => local && linear)) return 'affine';
    if (every(({ tropical }) => tropical)) return 'max-plus';
    if (every(({ local }) => local)) return 'per unit';
    return this.staysSomewhere(results) ? 'conditional' : 'dense';
  }

  private form(id: NodeId): Form {
    return this.forms[id] ?? unknown(id);
  }

  private node(id: NodeId): Node {
    return this.step.nodes[id] ?? unknown(id);
  }

  private formOf(node: Node, of: (id: NodeId) => Form): Form {
    const state = stateOf(node);
    if (state !== undefined && this.states.has(state)) {
      const now = node.op === 'state';
      return { free: false, local: true, linear: now, tropical: now, matrix: false };
    }
    const args = argumentsOf(node);
    if (args.every((id) => of(id).free)) return FREE;
    if (isContract(node) || isWindow(node) || isGather(node)) {
      return {
        free: false,
        local: false,
        linear: !isGather(node) && args.every((id) => of(id).linear),
        tropical: false,
        matrix: true,
      };
    }
    // Where a scalar hangs on the group, a sum or maximum over its units stands before it, and says that they meet.
    const forms = args.map(of);
    const matrix = forms.some((form) => form.matrix);
    if (isExpand(node) || isReduce(node)) {
      const sum = isExpand(node) || node.kind === 'sum';
      return { free: false, local: false, linear: sum && forms.every(({ linear }) => linear), tropical: false, matrix };
    }
    return {
      free: false,
      matrix,
      local: forms.every(({ local }) => local),
      ...(isApply(node) ? algebra(node.op, forms) : NEITHER),
    };
  }

  /** Of several axes, and what it gains is a product of values that each lack one of them, or it passes through such. */
  private isMemory(id: NodeId): boolean {
    const { shape } = this.node(id);
    if (shape.length < 2) return false;
    const erases = !this.form(id).local;
    return erases || this.terms(id).every((term) => !this.form(term).free || this.isProductOfVectors(term));
  }

  /** What a sum is made of. */
  private terms(id: NodeId): NodeId[] {
    return this.parts(id, ['add', 'sub']);
  }

  private isProductOfVectors(id: NodeId): boolean {
    const factors = this.parts(id, ['mul', 'neg']);
    return factors.length > 1 && factors.every((factor) => isExpand(this.node(factor)) || this.node(factor).shape.length === 0);
  }

  /** What is left of a value when these operations are undone. */
  private parts(id: NodeId, operations: readonly string[]): NodeId[] {
    const parts: NodeId[] = [];
    preorder([id], (one) => {
      const node = this.node(one);
      if (isApply(node) && operations.includes(node.op)) return node.args;
      parts.push(one);
      return [];
    });
    return parts;
  }

  /** Whether somewhere behind the next states a test, or a number that is 0 or 1, leaves a state of the group as it was. */
  private staysSomewhere(results: readonly NodeId[]): boolean {
    const isOld = (id: NodeId | undefined) => id !== undefined && this.states.has(stateOf(this.node(id)) ?? '');
    return [...ancestorsOf(this.step.nodes, results)].some((id) => {
      const node = this.node(id);
      if (!isApply(node)) return false;
      const [a = -1, b = -1, c = -1] = node.args;
      if (node.op === 'select') return (isOld(b) || isOld(c)) && !this.isDrawn(a);
      return node.op === 'mul' && ((isOld(a) && this.isSwitch(b)) || (isOld(b) && this.isSwitch(a)));
    });
  }

  /** Drawn at random for every unit: nobody can tell before what is skipped. */
  private isDrawn(id: NodeId): boolean {
    return [...ancestorsOf(this.step.nodes, [id])].some((one) => this.node(one).op === 'random');
  }

  /** A value that is 0 or 1: rounded, or made of such; of a state, by what each step makes of it. */
  private isSwitch(id: NodeId): boolean {
    let holds = true;
    preorder([id], (one) => {
      const node = this.node(one);
      if (node.op === 'state') return [this.step.next[node.name] ?? one];
      if (node.op === 'constant') holds &&= node.value === 0 || node.value === 1;
      else if (isApply(node) && (node.op === 'round' || node.op === 'step')) holds &&= !this.isDrawn(one);
      else if (isApply(node) && node.op === 'straightThrough') return node.args.slice(0, 1);
      else if (isApply(node) && node.op === 'select') return node.args.slice(1);
      else if (isApply(node) && KEEP_SWITCHES.includes(node.op)) return node.args;
      else holds = false;
      return [];
    });
    return holds;
  }
}

/** Of numbers that are 0 or 1, with 1 − x among the differences. */
const KEEP_SWITCHES: readonly string[] = ['mul', 'max', 'min', 'sub'];
const NEITHER = { linear: false, tropical: false };

/** What an operation on values of such forms is. */
function algebra(op: string, forms: readonly Form[]): Pick<Form, 'linear' | 'tropical'> {
  const [a = FREE, b = FREE, c = FREE] = forms;
  switch (op) {
    case 'add':
      return { linear: a.linear && b.linear, tropical: (a.tropical && b.free) || (a.free && b.tropical) };
    case 'sub':
      return { linear: a.linear && b.linear, tropical: a.tropical && b.free };
    case 'neg':
      return { linear: a.linear, tropical: false };
    case 'mul':
      return { linear: (a.linear && b.free) || (a.free && b.linear), tropical: false };
    case 'div':
      return { linear: a.linear && b.free, tropical: false };
    case 'max':
      return { linear: false, tropical: a.tropical && b.tropical };
    case 'relu':
      return { linear: false, tropical: a.tropical };
    case 'select':
      return { linear: a.free && b.linear && c.linear, tropical: a.free && b.tropical && c.tropical };
    default:
      return NEITHER;
  }
}

function unknown(id: NodeId): never {
  throw new Error(`the step graph has no node ${id}`);
}

/**
 * The part of Python's pickle format (https://docs.python.org/3/library/pickletools.html) in which `torch.save` writes a
 * dictionary of tensors. Nothing is executed: a name of a class or function stands for itself, and the few that a
 * dictionary of tensors needs are understood; every other one is refused by name.
 */
import { elements } from '../../data.js';
import { quote } from '../describe.js';
import { fileError } from './container.js';

/** A tensor as the pickle describes it: a view of a storage, counted in elements. */
export class PickledTensor {
  constructor(
    readonly storage: Storage,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly stride: readonly number[],
  ) {}
}

export class Storage {
  constructor(
    /** `FloatStorage`. */
    readonly type: string,
    /** Its entry in the archive. */
    readonly key: string,
  ) {}
}

/** A class or function, by name. */
class Global {
  constructor(readonly name: string) {}
}

/** The bottom of what is collected into a tuple or a dictionary. */
const MARK = Symbol('mark');
const STOP = 0x2e;

export type Pickled = (string | number | boolean | null | PickledTensor | Global | Storage) | Pickled[] | Map<unknown, Pickled>;
type Slot = Pickled | typeof MARK;

const DICTIONARIES = new Set(['collections.OrderedDict', 'builtins.dict', '__builtin__.dict', 'collections.defaultdict']);
const PARAMETERS = new Set(['torch._utils._rebuild_parameter', 'torch._utils._rebuild_parameter_with_state']);
const HARMLESS = new Set(['torch.Size', 'torch.device', 'torch.dtype', 'builtins.set', '__builtin__.set', 'builtins.list']);
const STORAGE = /^torch(?:\.storage)?\.(\w+Storage)$/;

/** What to write in Python to get a file that is read here. */
export const FROM_PYTORCH =
  'In Python: import torch; from safetensors.torch import save_file; ' +
  'save_file({k: v.contiguous() for k, v in model.state_dict().items()}, "weights.safetensors")';

/** @throws RecurveError `WEIGHTS-FILE` */
export function unpickle(bytes: Uint8Array, source: string): Pickled {
  return new Unpickler(bytes, source).run();
}

class Unpickler {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #source: string;
  readonly #memo = new Map<number, Pickled>();
  #stack: Slot[] = [];
  #at = 0;

  constructor(bytes: Uint8Array, source: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#source = source;
  }

  run(): Pickled {
    for (let code = this.#byte(); code !== STOP; code = this.#byte()) {
      const value = this.#step(code);
      if (value !== undefined) this.#stack.push(value);
    }
    return this.#pop();
  }

  /** One instruction. @returns what it puts on the stack */
  #step(code: number): Slot | undefined {
    switch (String.fromCharCode(code)) {
      case '(':
        return MARK;
      case '0':
        this.#stack.pop();
        return undefined;
      case '1':
        this.#popMark();
        return undefined;
      case 'N':
        return null;
      case '\x88':
        return true;
      case '\x89':
        return false;
      case 'K':
        return this.#byte();
      case 'M':
        return this.#view.getUint16(this.#take(2), true);
      case 'J':
        return this.#view.getInt32(this.#take(4), true);
      case '\x8a':
        return this.#integer(this.#byte());
      case 'G':
        return this.#view.getFloat64(this.#take(8));
      case 'X':
      case 'T':
      case 'B':
        return this.#text(this.#view.getUint32(this.#take(4), true));
      case '\x8c':
      case 'U':
      case 'C':
        return this.#text(this.#byte());
      case ')':
      case ']':
        return [];
      case '\x85':
        return this.#last(1);
      case '\x86':
        return this.#last(2);
      case '\x87':
        return this.#last(3);
      case 't':
      case 'l':
        return this.#popMark();
      case '}':
        return new Map();
      case 'd':
        return this.#filled(new Map(), this.#popMark());
      case 'a':
        this.#append([this.#pop()]);
        return undefined;
      case 'e':
        this.#append(this.#popMark());
        return undefined;
      case 's':
        this.#setItems(this.#last(2));
        return undefined;
      case 'u':
        this.#setItems(this.#popMark());
        return undefined;
      case 'q':
        this.#memo.set(this.#byte(), this.#top());
        return undefined;
      case 'r':
        this.#memo.set(this.#view.getUint32(this.#take(4), true), this.#top());
        return undefined;
      case '\x94':
        this.#memo.set(this.#memo.size, this.#top());
        return undefined;
      case 'h':
        return this.#recall(this.#byte());
      case 'j':
        return this.#recall(this.#view.getUint32(this.#take(4), true));
      case 'c':
        return new Global(`${this.#line()}.${this.#line()}`);
      case '\x93':
        return new Global(this.#last(2).join('.'));
      case 'R':
      case '\x81': {
        const [callable = null, args = null] = this.#last(2);
        return this.#call(callable, args);
      }
      case 'b':
        this.#build(this.#pop());
        return undefined;
      case 'Q':
        return this.#persistent(this.#pop());
      case '\x80':
        this.#take(1);
        return undefined;
      case '\x95':
        this.#take(8);
        return undefined;
      default:
        throw this.#fail(`uses the pickle instruction 0x${code.toString(16)}`);
    }
  }

  #fail(reason: string) {
    return fileError(this.#source, `is a PyTorch file that holds more than tensors, or is damaged: it ${reason}`, FROM_PYTORCH);
  }

  #take(size: number): number {
    const start = this.#at;
    if (size < 0 || start + size > this.#bytes.length) throw this.#fail('ends in the middle');
    this.#at += size;
    return start;
  }

  #byte(): number {
    return this.#bytes[this.#take(1)] ?? 0;
  }

  #text(size: number): string {
    const start = this.#take(size);
    return new TextDecoder().decode(this.#bytes.subarray(start, start + size));
  }

  #line(): string {
    const end = this.#bytes.indexOf(10, this.#at);
    if (end < 0) throw this.#fail('ends in the middle');
    const text = new TextDecoder().decode(this.#bytes.subarray(this.#at, end));
    this.#at = end + 1;
    return text;
  }

  #integer(size: number): number {
    let value = 0n;
    const start = this.#take(size);
    for (let k = size - 1; k >= 0; k--) value = (value << 8n) | BigInt(this.#bytes[start + k] ?? 0);
    return Number(size > 0 ? BigInt.asIntN(size * 8, value) : 0n);
  }

  #pop(): Pickled {
    const value = this.#stack.pop();
    if (value === undefined || value === MARK) throw this.#fail('takes from an empty stack');
    return value;
  }

  #top(): Pickled {
    const value = this.#stack.at(-1);
    if (value === undefined || value === MARK) throw this.#fail('takes from an empty stack');
    return value;
  }

  #popMark(): Pickled[] {
    const at = this.#stack.lastIndexOf(MARK);
    if (at < 0) throw this.#fail('takes from an empty stack');
    return this.#stack.splice(at).filter((value): value is Pickled => value !== MARK);
  }

  #last(count: number): Pickled[] {
    return Array.from({ length: count }, () => this.#pop()).reverse();
  }

  #recall(place: number): Pickled {
    const value = this.#memo.get(place);
    if (value === undefined) throw this.#fail('refers to what it does not hold');
    return value;
  }

  #call(callable: Pickled, args: Pickled): Pickled {
    if (!(callable instanceof Global) || !Array.isArray(args)) throw this.#fail('calls what is no function');
    const { name } = callable;
    if (DICTIONARIES.has(name)) return new Map();
    if (PARAMETERS.has(name)) return args[0] ?? null;
    if (HARMLESS.has(name)) return args;
    if (name === 'torch._utils._rebuild_tensor_v2' || name === 'torch._utils._rebuild_tensor') return this.#tensor(args);
    throw this.#fail(`calls ${quote(name)}`);
  }

  #tensor([storage, offset, shape, stride]: readonly Pickled[]): PickledTensor {
    const isSizes = (value: Pickled | undefined): value is number[] =>
      Array.isArray(value) && value.every((size) => typeof size === 'number' && Number.isSafeInteger(size) && size >= 0);
    const sound = storage instanceof Storage && typeof offset === 'number' && offset >= 0 && isSizes(shape) && isSizes(stride);
    if (!sound || shape.length !== stride.length || !Number.isSafeInteger(elements(shape))) {
      throw this.#fail('describes a tensor in a way that is unknown');
    }
    return new PickledTensor(storage, offset, shape, stride);
  }

  /** `('storage', torch.FloatStorage, '0', 'cpu', 12)`. */
  #persistent(id: Pickled): Storage {
    const [tag, type, key] = Array.isArray(id) ? id : [];
    const storage = type instanceof Global ? STORAGE.exec(type.name)?.[1] : undefined;
    if (tag !== 'storage' || storage === undefined || typeof key !== 'string') throw this.#fail('refers to something outside');
    return new Storage(storage, key);
  }

  #append(values: readonly Pickled[]): void {
    const list = this.#top();
    if (!Array.isArray(list)) throw this.#fail('appends to what is no list');
    for (const value of values) list.push(value);
  }

  #setItems(values: readonly Pickled[]): void {
    const target = this.#top();
    if (!(target instanceof Map)) throw this.#fail('sets items of what is no dictionary');
    this.#filled(target, values);
  }

  #filled(target: Map<unknown, Pickled>, values: readonly Pickled[]): Map<unknown, Pickled> {
    for (let k = 0; k + 1 < values.length; k += 2) target.set(values[k], values[k + 1] ?? null);
    return target;
  }

  /** A state dict carries its version as an attribute. An object's attributes are a model, which is not only tensors. */
  #build(_state: Pickled): void {
    if (!(this.#top() instanceof Map)) throw this.#fail('sets attributes of an object');
  }
}

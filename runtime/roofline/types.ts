/** What a roofline is: plain JSON. */
import type { Target } from '../../codegen/plan.js';

/** The least of several runs, and how far their median was above it: 0.1 is 10 %. */
export interface Measured {
  readonly value: number;
  readonly spread: number;
}

/** Of a whole adapter, but where it says of one workgroup. */
export interface Rates {
  /** Multiplications and additions in registers, apart, 10⁹ a second; and of one workgroup alone. */
  readonly fma: Measured;
  readonly fmaAlone: Measured;
  /** Of a product of large matrices, by kernels that recurve itself has made. */
  readonly product: Measured;
  /** 10⁹ bytes a second: read again and again by all workgroups, of so many bytes; and by one workgroup, of the first. */
  readonly reads: readonly (Measured & { readonly bytes: number })[];
  readonly readAlone: Measured;
  /** 10⁹ bytes a second, read and written, of more than caches hold. */
  readonly stream: Measured;
  /** Microseconds: of a dispatch that depends on the one before, */
  readonly dispatch: Measured;
  /** of each of its workgroups, */
  readonly workgroup: Measured;
  /** of the lanes of a workgroup waiting for each other, */
  readonly barrier: Measured;
  /** and of submitting commands until their end is known. */
  readonly submit: Measured;
}

/** What was measured, and of what. */
export interface RooflineRecord extends RooflineKey {
  /** What plans for this adapter are compiled for. */
  readonly target: Target;
  /** When, `2026-11-27T09:30:00.000Z`. */
  readonly date: string;
  readonly rates: Rates;
}

/** Of what a record is: it holds for nothing else. */
export interface RooflineKey {
  readonly version: 1;
  readonly recurve: string;
  readonly webgpu: string;
  readonly adapter: {
    readonly name: string;
    readonly kind: string;
    readonly vendor: string;
    readonly architecture: string;
    readonly device: string;
    /** The driver's own description, with its version. */
    readonly driver: string;
  };
  /** On which a software adapter computes. */
  readonly processor?: string;
}

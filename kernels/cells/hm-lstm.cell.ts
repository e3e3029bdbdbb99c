import {
  cell,
  clamp,
  concat,
  dot,
  flag,
  mat,
  matvec,
  relu,
  scalar,
  sigmoid,
  split,
  straightThrough,
  sum,
  tanh,
  vec,
} from 'recurve';

/**
 * Hierarchical multiscale LSTM: three layers that find for themselves where a segment ends, and work at its end only.
 *
 * s^ℓ = U^ℓ h^ℓ + z^ℓ V^ℓ h^{ℓ+1} + z'^{ℓ−1} W^ℓ h'^{ℓ−1} + b^ℓ
 * f, i, o = σ, g = tanh and z̃ = hard σ of the slices of s^ℓ, in this order
 * hard σ(s) = max(0, min(1, (a s + 1)/2))
 * z'^ℓ = 1 where z̃ > ½, else 0
 * UPDATE where z^ℓ = 0 and z'^{ℓ−1} = 1: c' = f ⊙ c + i ⊙ g
 * COPY where z^ℓ = 0 and z'^{ℓ−1} = 0: c' = c and h' = h
 * FLUSH where z^ℓ = 1: c' = i ⊙ g
 * h' = o ⊙ tanh(c') unless COPY
 *
 * Without a prime, values are those of the step before. z'⁰ = 1 and h'⁰ = x: the first layer never copies. The third
 * layer has no V and finds no boundaries, z³ = 0: it never flushes. G1 = 4·H1 + 1, G2 = 4·H2 + 1, G3 = 4·H3.
 * The gradient of z' is that of z̃ (straight through), and the three cases are the sum
 * z i g + (1 − z)(z_below (f c + i g) + (1 − z_below) c), so that it reaches the detectors from there as well.
 * `a`, not trained and 1 unless given, is the slope: the paper raises it while training, to 1 + 0.04·epoch, at most 5.
 * `output`: one sequence more, e = relu(Σ_ℓ g^ℓ E^ℓ h'^ℓ) with gates g^ℓ = σ(w^ℓ·[h'¹, h'², h'³]), of E units.
 *
 * Chung et al. 2016, "Hierarchical Multiscale Recurrent Neural Networks", arXiv:1609.01704.
 */
export default cell({
  name: 'hm-lstm',
  options: { output: flag(false) },
  dims: ['I', 'H1', 'H2', 'H3', 'G1', 'G2', 'G3', 'E', 'M'],
  inputs: { x: vec('I') },
  state: {
    h1: vec('H1'),
    c1: vec('H1'),
    z1: scalar(),
    h2: vec('H2'),
    c2: vec('H2'),
    z2: scalar(),
    h3: vec('H3'),
    c3: vec('H3'),
  },
  params: (o) => ({
    U1: mat('G1', 'H1'),
    V1: mat('G1', 'H2'),
    W1: mat('G1', 'I'),
    b1: vec('G1'),
    U2: mat('G2', 'H2'),
    V2: mat('G2', 'H3'),
    W2: mat('G2', 'H1'),
    b2: vec('G2'),
    U3: mat('G3', 'H3'),
    W3: mat('G3', 'H2'),
    b3: vec('G3'),
    a: scalar({ init: 1, trainable: false }),
    w1: vec('M', { when: o.output }),
    w2: vec('M', { when: o.output }),
    w3: vec('M', { when: o.output }),
    E1: mat('E', 'H1', { when: o.output }),
    E2: mat('E', 'H2', { when: o.output }),
    E3: mat('E', 'H3', { when: o.output }),
  }),
  step({ x }, { h1, c1, z1, h2, c2, z2, h3, c3 }, p, { options: o }) {
    const s1 = matvec(p.U1, h1) + z1 * matvec(p.V1, h2) + matvec(p.W1, x) + p.b1;
    const [f1, i1, o1, g1, d1] = split(s1, 'H1', 'H1', 'H1', 'H1', 1);
    const first = advance(f1, i1, o1, g1, h1, c1, z1, 1);
    const below1 = boundary(sum(d1), p.a);

    const s2 = matvec(p.U2, h2) + z2 * matvec(p.V2, h3) + below1 * matvec(p.W2, first.h) + p.b2;
    const [f2, i2, o2, g2, d2] = split(s2, 'H2', 'H2', 'H2', 'H2', 1);
    const second = advance(f2, i2, o2, g2, h2, c2, z2, below1);
    const below2 = boundary(sum(d2), p.a);

    const s3 = matvec(p.U3, h3) + below2 * matvec(p.W3, second.h) + p.b3;
    const [f3, i3, o3, g3] = split(s3, 'H3', 'H3', 'H3', 'H3');
    const third = advance(f3, i3, o3, g3, h3, c3, 0, below2);

    if (!o.output) {
      return { h1: first.h, c1: first.c, z1: below1, h2: second.h, c2: second.c, z2: below2, h3: third.h, c3: third.c };
    }
    const all = concat('M', first.h, second.h, third.h);
    const e1 = sigmoid(dot(p.w1, all)) * matvec(p.E1, first.h);
    const e2 = sigmoid(dot(p.w2, all)) * matvec(p.E2, second.h);
    const e3 = sigmoid(dot(p.w3, all)) * matvec(p.E3, third.h);
    return {
      h1: first.h,
      c1: first.c,
      z1: below1,
      h2: second.h,
      c2: second.c,
      z2: below2,
      h3: third.h,
      c3: third.c,
      e: relu(e1 + e2 + e3),
    };
  },
});

/** Whether a segment ends here, 1 or 0. A detector of exactly ½ does not fire. */
function boundary(s: number, slope: number): number {
  const detector = clamp((slope * s + 1) / 2, 0, 1);
  return straightThrough(detector > 0.5 ? 1 : 0, detector);
}

/** A layer's next state by FLUSH, UPDATE and COPY, from what the four gates see. */
function advance(
  f: number,
  i: number,
  o: number,
  g: number,
  h: number,
  c: number,
  z: number,
  below: number,
): { readonly h: number; readonly c: number } {
  const written = sigmoid(i) * tanh(g);
  const copied = (1 - z) * (1 - below);
  const next = z * written + (1 - z) * below * (sigmoid(f) * c + written) + copied * c;
  return { h: copied * h + (1 - copied) * (sigmoid(o) * tanh(next)), c: next };
}

/** The text of a new cell: small, commented, and it checks and runs as it is. */

/** @param name an identifier; it becomes the cell's name. */
export function newCellSource(name: string): string {
  return TEMPLATE.replaceAll('__name__', name);
}

const TEMPLATE = `import { cell, choice, mat, matvec, real, relu, sigmoid, tanh, vec } from 'recurve';

/** The candidate's activation. Helper functions are inlined; \`kind\` is known when compiling, so only one branch is. */
function activate(kind: 'tanh' | 'relu', x: number): number {
  return kind === 'relu' ? relu(x) : tanh(x);
}

/** A leaky gated cell: a gate z decides how far the state moves towards a candidate, and never faster than \`rate\`. */
export default cell({
  name: '__name__',
  // Fixed when compiling: \`--set activation=relu --set rate=0.25\`.
  options: {
    activation: choice('tanh', 'relu'), // the first one is the default
    rate: real(0.5, { min: 0, max: 1 }),
  },
  // Every size that shapes use, besides T (time steps) and B (sequences). Give them with \`--dims I=8,H=32\`.
  dims: ['I', 'H'],
  inputs: { x: vec('I') },
  // A state starts at zero, or at its \`init\` as in \`vec('H', { init: 1 })\`, where a run does not give it. What \`check\`
  // draws can be narrowed, for example for a divisor: \`vec('I', { range: [0.5, 2] })\`.
  state: { h: vec('H') },
  params: {
    W_z: mat('H', 'I'), // what the input says to the gate
    U_z: mat('H', 'H', { init: 'orthogonal' }), // what the state says to the gate
    b_z: vec('H'),
    W_n: mat('H', 'I'),
    U_n: mat('H', 'H', { init: 'orthogonal' }),
    b_n: vec('H'),
    leak: vec('H', { init: 'zeros' }), // one number per unit, learned
  },
  // One time step of one sequence. Arithmetic is per unit; matvec(W, x) is the matrix-vector product.
  step({ x }, { h }, p, { options }) {
    const z = options.rate * sigmoid(matvec(p.W_z, x) + matvec(p.U_z, h) + p.b_z);
    const n = activate(options.activation, matvec(p.W_n, x) + matvec(p.U_n, h) + p.b_n);
    // Return the next value of every state. Further names become further outputs.
    return { h: (1 - z) * sigmoid(p.leak + 4) * h + z * n };
  },
});
`;

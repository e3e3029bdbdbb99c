/**
 * Small kernels, each of which keeps one thing of a machine busy and nothing else.
 */

/** Units of a vector, and bytes. */
const VECTOR = 4;
export const VECTOR_BYTES = 16;

/** Chains that depend on themselves alone, so that one waits while the others compute. */
const CHAINS = 4;
const ROUNDS = 8;
const TURNS = 1024;

/** Operations of one lane of the kernel below. */
export const FMA_FLOPS = 2 * VECTOR * CHAINS * ROUNDS * TURNS;

/** All of `given` is 1, which no compiler knows: loops that count by it are not unrolled, and factors are not left out. */
const HEAD = [
  '@group(0) @binding(0) var<storage, read> given: array<vec4f>;',
  '@group(0) @binding(1) var<storage, read_write> data: array<vec4f>;',
].join('\n');
const main = (lanes: number) =>
  `@compute @workgroup_size(${lanes})\nfn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32)`;

/** Multiplies and adds, and touches no memory meanwhile. */
export function fmaKernel(lanes: number): string {
  const chains = Array.from({ length: CHAINS }, (_, chain) => `a${chain}`);
  const round = chains.map((name) => `    ${name} = fma(${name}, factor, summand);`).join('\n');
  return `${HEAD}
${main(lanes)} {
  let factor = given[0];
  let summand = given[1];
${chains.map((name, chain) => `  var ${name} = vec4f(f32(lane + ${chain}u));`).join('\n')}
  let step = i32(given[0].x);
  for (var turn = 0; turn < ${TURNS}; turn += step) {
${Array.from({ length: ROUNDS }, () => round).join('\n')}
  }
  let sum = ${chains.join(' + ')};
  if (sum.x == 0.5) { data[2] = sum; }
}
`;
}

/** Every workgroup reads the first `vectors` again and again, as a matrix is read for one row after the other. */
export function readKernel(lanes: number, vectors: number, sweeps: number): string {
  return `${HEAD}
${main(lanes)} {
  let factor = given[0];
  var a = vec4f(0);
  var b = vec4f(0);
  for (var sweep = 0u; sweep < ${sweeps}u; sweep++) {
    a *= factor;
    for (var at = lane; at < ${vectors}u; at += ${2 * lanes}u) {
      a += data[at];
      b += data[at + ${lanes}u];
    }
  }
  let sum = a + b;
  if (sum.x == 0.5) { data[2] = sum; }
}
`;
}

/** Each workgroup reads and writes a part of its own, once. */
export function streamKernel(lanes: number, vectorsOfGroup: number): string {
  return `${HEAD}
${main(lanes)} {
  let begin = group.x * ${vectorsOfGroup}u;
  for (var at = begin + lane; at < begin + ${vectorsOfGroup}u; at += ${lanes}u) { data[at] = 0.5 * data[at] + 1; }
}
`;
}

/** Next to nothing, on memory that the dispatch before has written. */
export function emptyKernel(lanes: number): string {
  return `${HEAD}
${main(lanes)} {
  if (lane == 0u && group.x == 0u) { data[2] += vec4f(1); }
}
`;
}

/** Waits for the others of its workgroup, over and over; with no waits, what the rest of that takes. */
export function barrierKernel(lanes: number, turns: number, barriers: 0 | 1): string {
  const wait = barriers === 0 ? '' : '\n    storageBarrier();';
  return `${HEAD}
${main(lanes)} {
  let step = i32(given[0].x);
  for (var turn = 0; turn < ${turns}; turn += step) {
    data[4u + lane] += vec4f(1);${wait}
  }
}
`;
}

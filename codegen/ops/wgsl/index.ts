/**
 * Elementary functions in forms that are stable and exact where WGSL's built-ins are not: no overflow to NaN, full
 * relative precision near zero, NaN propagated. NaN is what is not equal to itself by `!(x == x)`: `x != x` becomes an
 * ordered comparison in SPIR-V and is false. Polynomial of tanh: Cephes `tanhf` (Moshier 1989).
 */
import { gates } from './gates.js';
import { powers } from './powers.js';

/** Definitions by name. What one calls is found in its text. */
const DEFINITIONS = {
  ...gates,
  ...powers,
  rc_tanh: `fn rc_tanh(x: vec4f) -> vec4f {
  let z = x * x;
  let p = (((-5.70498872745e-3 * z + 2.06390887954e-2) * z - 5.37397155531e-2) * z + 1.33314422036e-1) * z - 3.33332819422e-1;
  let e = exp(-2.0 * abs(x));
  let y = (1.0 - e) / (1.0 + e);
  return select(select(-y, y, x >= vec4f(0)), x + x * z * p, abs(x) < vec4f(0.625));
}`,
  rc_sigmoid: `fn rc_sigmoid(x: vec4f) -> vec4f {
  let e = exp(-abs(x));
  let s = 1.0 / (1.0 + e);
  return select(e * s, s, x >= vec4f(0));
}`,
  rc_tanh_slope: `fn rc_tanh_slope(x: vec4f) -> vec4f {
  let e = exp(-2.0 * abs(x));
  let d = 1.0 + e;
  return 4.0 * e / (d * d);
}`,
  rc_sigmoid_slope: `fn rc_sigmoid_slope(x: vec4f) -> vec4f {
  let e = exp(-abs(x));
  let d = 1.0 + e;
  return e / (d * d);
}`,
  rc_log1p_near: `// log(1 + u) for -0.3 <= u <= 1, as 2 artanh(u / (2 + u)).
fn rc_log1p_near(u: vec4f) -> vec4f {
  let s = u / (2.0 + u);
  let z = s * s;
  return 2.0 * s * (1.0 + z * (0.3333333333 + z * (0.2 + z * (0.1428571429 + z * (0.1111111111 + z * (0.0909090909 + z * (0.0769230769 + z * 0.0666666667)))))));
}`,
  rc_softplus: `fn rc_softplus(x: vec4f) -> vec4f {
  return select(vec4f(0), x, x > vec4f(0)) + rc_log1p_near(exp(-abs(x)));
}`,
  // The built-in may make infinity of NaN.
  rc_exp: 'fn rc_exp(x: vec4f) -> vec4f { return select(x, exp(x), x == x); }',
  rc_log: `fn rc_log(x: vec4f) -> vec4f {
  let parts = frexp(x);
  let low = parts.fract < vec4f(0.70710678);
  let m = select(parts.fract, 2.0 * parts.fract, low);
  let e = vec4f(parts.exp) - select(vec4f(0), vec4f(1), low);
  let s = (m - 1.0) / (m + 1.0);
  let z = s * s;
  let y = 2.0 * s * (1.0 + z * (0.3333333333 + z * (0.2 + z * (0.1428571429 + z * (0.1111111111 + z * 0.0909090909)))));
  // Subnormal arguments are the built-in's; of zero, infinity, NaN and negative numbers it may make anything.
  let tiny = select(log(x), -1.0 / abs(x), x == vec4f(0));
  let finite = select(tiny, e * 0.693147181 + y, x > vec4f(1.2e-38));
  let positive = select(finite, x, x > vec4f(3.4028234e38));
  return select((x - x) / (x - x), positive, x >= vec4f(0));
}`,
  rc_expm1: `fn rc_expm1(x: vec4f) -> vec4f {
  let p = 1.0 + x * (0.5 + x * (0.1666666667 + x * (4.1666666667e-2 + x * (8.3333333333e-3 + x * (1.3888888889e-3 + x * (1.9841269841e-4 + x * 2.4801587302e-5))))));
  return select(rc_exp(x) - 1.0, x * p, abs(x) < vec4f(0.5));
}`,
  rc_philox: `// Philox4x32-10 (Salmon et al. 2011): four words for a counter and a key.
fn rc_philox_high(a: u32, b: u32) -> u32 {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let left = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
  let right = (a & 0xffffu) * (b >> 16u) + (left & 0xffffu);
  return (a >> 16u) * (b >> 16u) + (left >> 16u) + (right >> 16u);
}
fn rc_philox(counter: vec4u, key: vec2u) -> vec4u {
  var c = counter;
  var k = key;
  for (var round = 0u; round < 10u; round++) {
    c = vec4u(rc_philox_high(0xcd9e8d57u, c.z) ^ c.y ^ k.x, 0xcd9e8d57u * c.z, rc_philox_high(0xd2511f53u, c.x) ^ c.w ^ k.y, 0xd2511f53u * c.x);
    k += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}`,
  rc_uniform: `fn rc_uniform(counter: vec4u, key: vec2u) -> vec4f {
  return vec4f(rc_philox(counter, key) >> vec4u(8)) * 5.9604644775390625e-8;
}`,
  rc_normal: `// Box and Muller 1958.
fn rc_normal(counter: vec4u, key: vec2u) -> vec4f {
  let u = rc_uniform(counter, key);
  let r = sqrt(-2.0 * rc_log(1.0 - u.xxzz));
  let a = 6.283185307179586 * u.yyww;
  return r * select(rc_sin(a), rc_cos(a), vec4<bool>(true, false, true, false));
}`,
  // A test for NaN is !(a == a): WGSL's != is false of NaN on the adapters we know, as is every comparison.
  rc_min: 'fn rc_min(a: vec4f, b: vec4f) -> vec4f { return select(b, a, (a < b) | !(a == a)); }',
  rc_max: 'fn rc_max(a: vec4f, b: vec4f) -> vec4f { return select(b, a, (a > b) | !(a == a)); }',
} as const satisfies Readonly<Record<string, string>>;

export type WgslFunction = keyof typeof DEFINITIONS;

const isDefined = (name: string): name is WgslFunction => Object.hasOwn(DEFINITIONS, name);

/** The functions that a piece of WGSL calls and does not define itself. */
export function callsIn(wgsl: string): WgslFunction[] {
  const names = new Set(wgsl.match(/\brc_\w+/g) ?? []);
  return [...names].filter((name) => !wgsl.includes(`fn ${name}(`)).map(requireDefined);
}

function requireDefined(name: string): WgslFunction {
  if (isDefined(name)) return name;
  throw new Error(`no WGSL function ${name}: define it in codegen/ops/wgsl`);
}

/** The definitions of these functions and of what they call, in a fixed order. */
export function definitions(names: Iterable<WgslFunction>): { readonly text: string }[] {
  const wanted = new Set<WgslFunction>();
  const want = (name: WgslFunction): void => {
    if (wanted.has(name)) return;
    wanted.add(name);
    callsIn(DEFINITIONS[name]).forEach(want);
  };
  for (const name of names) want(name);
  return Object.entries(DEFINITIONS).flatMap(([name, text]) => ([...wanted].some((one) => one === name) ? [{ text }] : []));
}

/**
 * The error function, and the activations gelu, silu and mish with their slopes: exact near zero and in saturation.
 * Polynomial of erf near zero: Cephes `erff` (Moshier 1989).
 */
export const gates = {
  rc_erfcx: `// exp(z^2) erfc(z) for z >= 0: minimax in t = 2 / (2 + z), good to 4e-8 up to z = 10 and bounded beyond.
fn rc_erfcx(z: vec4f) -> vec4f {
  let t = 1.0 / (1.0 + 0.5 * z);
  let p = ((((-5.906921625e-2 * t + 2.845761776e-1) * t - 4.872022867e-1) * t + 2.780697942e-1) * t - 2.662738413e-2) * t + 2.026875615e-1;
  return t * (((p * t + 2.431036085e-1) * t + 2.823753357e-1) * t + 2.820864022e-1);
}`,
  rc_erf: `fn rc_erf(x: vec4f) -> vec4f {
  let z = x * x;
  let p = (((((7.853861353e-5 * z - 8.010193625e-4) * z + 5.188327686e-3) * z - 2.685381194e-2) * z + 1.128358515e-1) * z - 3.761262582e-1) * z + 1.128379167;
  let y = 1.0 - exp(-z) * rc_erfcx(abs(x));
  return select(select(-y, y, x >= vec4f(0)), x * p, z < vec4f(1));
}`,
  rc_gelu: `fn rc_gelu(x: vec4f) -> vec4f {
  let tail = 0.5 * exp(-0.5 * x * x) * rc_erfcx(0.707106781 * abs(x));
  return x * select(tail, 1.0 - tail, x >= vec4f(0));
}`,
  rc_gelu_slope: `fn rc_gelu_slope(x: vec4f) -> vec4f {
  let e = exp(-0.5 * x * x);
  let tail = 0.5 * e * rc_erfcx(0.707106781 * abs(x));
  return select(tail, 1.0 - tail, x >= vec4f(0)) + 0.398942280 * x * e;
}`,
  rc_silu_slope: `fn rc_silu_slope(x: vec4f) -> vec4f {
  let e = exp(-abs(x));
  let s = 1.0 / (1.0 + e);
  return select(e * s, s, x >= vec4f(0)) + x * e * s * s;
}`,
  rc_mish: `// tanh(log(1 + e^x)) = (1 + 2u) / (1 + 2u + 2u^2) with u = e^-x, and q (q + 2) / (q (q + 2) + 2) with q = e^x.
fn rc_mish(x: vec4f) -> vec4f {
  let e = exp(-abs(x));
  let n = select(e * (e + 2.0), 1.0 + 2.0 * e, x >= vec4f(0));
  return x * n / (n + select(vec4f(2), 2.0 * e * e, x >= vec4f(0)));
}`,
  rc_mish_slope: `fn rc_mish_slope(x: vec4f) -> vec4f {
  let e = exp(-abs(x));
  let n = select(e * (e + 2.0), 1.0 + 2.0 * e, x >= vec4f(0));
  let d = n + select(vec4f(2), 2.0 * e * e, x >= vec4f(0));
  return n / d + x * (4.0 * e * (1.0 + e) * select(vec4f(1), e, x >= vec4f(0)) / (d * d));
}`,
} as const;

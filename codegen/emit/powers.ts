/**
 * Trigonometry, powers and remainders. Range reduction of sin and cos in three parts (Cody & Waite 1980), their
 * polynomials: Cephes `sinf` and `cosf` (Moshier 1989).
 */
export const powers = {
  rc_quarter: {
    calls: [],
    text: `// sin(x + quarters pi/2): exact to a unit in the last place of 1 up to |x| = 5e4, within [-1, 1] beyond.
fn rc_quarter(x: vec4f, quarters: i32) -> vec4f {
  let n = round(x * 0.636619772);
  let rest = ((x - n * 1.5703125) - n * 4.837512970e-4) - n * 7.549789955e-8;
  let r = select(rest, vec4f(0), abs(rest) > vec4f(1));
  let z = r * r;
  let s = r + r * z * ((-1.9515295891e-4 * z + 8.3321608736e-3) * z - 1.6666654611e-1);
  let c = 1.0 - 0.5 * z + z * z * ((2.443315712e-5 * z - 1.388731625e-3) * z + 4.166664568e-2);
  let k = vec4i(n) + quarters;
  let y = select(s, c, (k & vec4i(1)) != vec4i(0));
  return select(y, -y, (k & vec4i(2)) != vec4i(0));
}`,
  },
  rc_sin: { calls: ['rc_quarter'], text: 'fn rc_sin(x: vec4f) -> vec4f { return rc_quarter(x, 0); }' },
  rc_cos: { calls: ['rc_quarter'], text: 'fn rc_cos(x: vec4f) -> vec4f { return rc_quarter(x, 1); }' },
  rc_log1p: {
    calls: ['rc_log', 'rc_log1p_near'],
    text: `fn rc_log1p(u: vec4f) -> vec4f {
  return select(rc_log(1.0 + u), rc_log1p_near(u), (u > vec4f(-0.3)) & (u < vec4f(1)));
}`,
  },
  rc_pow: {
    calls: [],
    text: `fn rc_pow(x: vec4f, y: vec4f) -> vec4f {
  // log2 |x| = e + l with |l| <= 1/2.
  let a = abs(x);
  let parts = frexp(a);
  let low = parts.fract < vec4f(0.70710678);
  let m = select(parts.fract, 2.0 * parts.fract, low);
  let e = vec4f(parts.exp) - select(vec4f(0), vec4f(1), low);
  let s = (m - 1.0) / (m + 1.0);
  let z = s * s;
  let l = s * (2.885390082 + z * (0.961796694 + z * (0.577078016 + z * (0.412198583 + z * (0.320598898 + z * 0.262308189)))));
  // From 1e10 on a power of anything but 1 is zero or infinite.
  let exponent = clamp(y, vec4f(-1e10), vec4f(1e10)) * (e + l);
  let n = round(exponent);
  let k = vec4i(clamp(n, vec4f(-252), vec4f(254)));
  let half = k >> vec4u(1);
  let scaled = bitcast<vec4f>((half + 127) << vec4u(23)) * exp2(exponent - n);
  let finite = scaled * bitcast<vec4f>((k - half + 127) << vec4u(23));
  // Powers of zero and infinity.
  let zero = a < vec4f(1.2e-38);
  let edge = select(vec4f(0), select(a, 1.0 / a, zero), (a > vec4f(1)) == (y > vec4f(0)));
  let size = select(finite, edge, zero | (a > vec4f(3.4028234e38)));
  // Signs as in JavaScript: of a negative base, whole powers only.
  let whole = y == trunc(y);
  let odd = whole & (0.5 * y != trunc(0.5 * y));
  let signed = select(size, -size, odd & (bitcast<vec4i>(x) < vec4i(0)));
  let complex = (x < vec4f(0)) & (a <= vec4f(3.4028234e38)) & !whole;
  let real = select(signed, (x - x) / (x - x), complex);
  return select(select(x + y, real, (x == x) & (y == y)), vec4f(1), y == vec4f(0));
}`,
  },
  rc_mod: {
    calls: [],
    text: `fn rc_mod(a: vec4f, b: vec4f) -> vec4f {
  let whole = abs(a);
  let size = abs(b);
  let rest = fma(-trunc(whole / size), size, whole);
  // The rounded quotient may be one off.
  let raised = select(rest, rest + size, rest < vec4f(0));
  let lowered = select(raised, raised - size, raised >= size);
  // Of a quotient that float32 cannot count, no digit is left.
  let r = select(lowered, vec4f(0), (lowered < vec4f(0)) | (lowered >= size));
  return select(select(r, -r, a < vec4f(0)), a, whole < size);
}`,
  },
} as const;

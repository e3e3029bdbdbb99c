/**
 * Trigonometry, powers and remainders. Range reduction of sin and cos in three parts (Cody & Waite 1980) or, of large
 * arguments, by the digits of 1/2π (Payne & Hanek 1983), their polynomials: Cephes `sinf` and `cosf` (Moshier 1989).
 */
export const powers = {
  rc_far: `// Bits 32 i … of 1/(2 pi), behind 32 zeros.
fn rc_far_digits(i: vec4u) -> vec4u {
  var digits = array<u32, 8>(0u, 0x28be60dbu, 0x9391054au, 0x7f09d5f4u, 0x7d4d3770u, 0x36d8a566u, 0x4f10e410u, 0x7f9458eau);
  return vec4u(digits[i.x], digits[i.y], digits[i.z], digits[i.w]);
}
fn rc_far_high(a: vec4u, b: vec4u) -> vec4u {
  let low = (a & vec4u(0xffffu)) * (b & vec4u(0xffffu));
  let left = (a >> vec4u(16)) * (b & vec4u(0xffffu)) + (low >> vec4u(16));
  let right = (a & vec4u(0xffffu)) * (b >> vec4u(16)) + (left & vec4u(0xffffu));
  return (a >> vec4u(16)) * (b >> vec4u(16)) + (left >> vec4u(16)) + (right >> vec4u(16));
}
struct Reduced { quarters: vec4f, rest: vec4f }
// |x| >= 2^15 as quarters of a turn, modulo 4, and the rest: 64 bits of x/(2 pi) behind the point (Payne & Hanek 1983).
fn rc_far(x: vec4f) -> Reduced {
  let bits = bitcast<vec4u>(x);
  let m = (bits & vec4u(0x7fffffu)) | vec4u(0x800000u);
  let start = max((bits >> vec4u(23)) & vec4u(0xffu), vec4u(118)) - vec4u(118);
  let word = start >> vec4u(5);
  let shift = start & vec4u(31);
  let a = rc_far_digits(word);
  let b = rc_far_digits(word + vec4u(1));
  let c = rc_far_digits(word + vec4u(2));
  let d = rc_far_digits(word + vec4u(3));
  let back = vec4u(31) - shift;
  let w0 = (a << shift) | ((b >> vec4u(1)) >> back);
  let w1 = (b << shift) | ((c >> vec4u(1)) >> back);
  let w2 = (c << shift) | ((d >> vec4u(1)) >> back);
  let middle = m * w1;
  let low = middle + rc_far_high(m, w2);
  let high = m * w0 + rc_far_high(m, w1) + select(vec4u(0), vec4u(1), low < middle);
  let quarters = (high + vec4u(0x20000000u)) >> vec4u(30);
  let over = high - (quarters << vec4u(30));
  let below = (over >> vec4u(31)) == vec4u(1);
  let l = select(low, ~low + vec4u(1), below);
  let h = select(over, ~over + select(vec4u(0), vec4u(1), l == vec4u(0)), below);
  let rest = 6.283185307 * (vec4f(h) * 2.3283064365386963e-10 + vec4f(l) * 5.421010862427522e-20);
  let negative = x < vec4f(0);
  return Reduced(select(vec4f(quarters), -vec4f(quarters), negative), select(rest, -rest, negative != below));
}`,
  rc_quarter: `// sin(x + quarters pi/2), to a unit in the last place of 1.
fn rc_quarter(x: vec4f, quarters: i32) -> vec4f {
  let near = abs(x) < vec4f(32768);
  var n = round(x * 0.636619772);
  var r = ((x - n * 1.5703125) - n * 4.837512970e-4) - n * 7.549789955e-8;
  if (!all(near)) {
    let far = rc_far(x);
    n = select(far.quarters, n, near);
    r = select(far.rest, r, near);
    r = select((x - x) / (x - x), r, abs(x) <= vec4f(3.4028234e38));
  }
  let z = r * r;
  let s = r + r * z * ((-1.9515295891e-4 * z + 8.3321608736e-3) * z - 1.6666654611e-1);
  let c = 1.0 - 0.5 * z + z * z * ((2.443315712e-5 * z - 1.388731625e-3) * z + 4.166664568e-2);
  let k = vec4i(n) + quarters;
  let y = select(s, c, (k & vec4i(1)) != vec4i(0));
  return select(y, -y, (k & vec4i(2)) != vec4i(0));
}`,
  rc_sin: 'fn rc_sin(x: vec4f) -> vec4f { return rc_quarter(x, 0); }',
  rc_cos: 'fn rc_cos(x: vec4f) -> vec4f { return rc_quarter(x, 1); }',
  rc_log1p: `fn rc_log1p(u: vec4f) -> vec4f {
  return select(rc_log(1.0 + u), rc_log1p_near(u), (u > vec4f(-0.3)) & (u < vec4f(1)));
}`,
  rc_pow: `fn rc_pow(x: vec4f, y: vec4f) -> vec4f {
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
  // Among them no infinite power of 1.
  let undecided = (a == vec4f(1)) & (abs(y) > vec4f(3.4028234e38));
  let real = select(signed, (x - x) / (x - x), complex | undecided);
  return select(select(x + y, real, (x == x) & (y == y)), vec4f(1), y == vec4f(0));
}`,
  rc_mod: `// Exact for all numbers: division of the mantissas, eight bits of the quotient at a time.
fn rc_mod(a: vec4f, b: vec4f) -> vec4f {
  let m = abs(a);
  let n = abs(b);
  // Of small whole numbers the quotient is off by one at most, and all else exact.
  let over = m - n * trunc(m / n);
  var r = over + select(select(vec4f(0), n, over < vec4f(0)), -n, over >= n);
  r = select(r, -r, bitcast<vec4i>(a) < vec4i(0));
  if (any((m != trunc(m)) | (n != trunc(n)) | (m >= vec4f(0x1p20)) | (n >= vec4f(0x1p20)) | (n == vec4f(0)))) { r = rc_mod_any(a, b); }
  return r;
}
fn rc_mod_any(a: vec4f, b: vec4f) -> vec4f {
  let x = bitcast<vec4u>(abs(a));
  let y = bitcast<vec4u>(abs(b));
  let ex = max(x >> vec4u(23), vec4u(1));
  let ey = max(y >> vec4u(23), vec4u(1));
  let one = vec4u(0x800000u);
  let mx = (x & vec4u(0x7fffffu)) + select(vec4u(0), one, x >= one);
  let my = max((y & vec4u(0x7fffffu)) + select(vec4u(0), one, y >= one), vec4u(1));
  var rest = mx % my;
  // A divisor that is too small to be told from zero has no remainder.
  var left = select(vec4u(0), ex - ey, (ex > ey) & (abs(b) > vec4f(0)));
  while (any(left > vec4u(0))) {
    let bits = min(left, vec4u(8));
    rest = (rest << bits) % my;
    left -= bits;
  }
  let scale = vec4i(ey) - vec4i(150);
  let half = scale >> vec4u(1);
  let r = vec4f(rest) * bitcast<vec4f>((half + 127) << vec4u(23)) * bitcast<vec4f>((scale - half + 127) << vec4u(23));
  let signed = select(select(r, -r, a < vec4f(0)), a, abs(a) < abs(b));
  let real = (abs(a) <= vec4f(3.4028234e38)) & (abs(b) > vec4f(0));
  return select((b - b) / (b - b), signed, real);
}`,
} as const;

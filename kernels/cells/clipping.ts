import { clamp } from 'recurve';

/** Limits a pre-activation to ±`limit`, as ONNX's `clip`; 0 means no limit. Static in `limit`. */
export function clip(x: number, limit: number): number {
  return limit > 0 ? clamp(x, -limit, limit) : x;
}

import type { Peer } from './peer.js';
export async function openOnnxRuntime(): Promise<Peer | string> {
  return 'soon';
}

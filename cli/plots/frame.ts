/** What all pictures are made with. */
import type { Axis, Spec } from 'vega';

export const FONT = 'system-ui, sans-serif';

export function frame(title: string, size: { readonly width: number; readonly height: number }): Spec {
  return {
    ...size,
    padding: 12,
    background: 'white',
    title: { text: title, font: FONT, anchor: 'start', fontSize: 14, offset: 12 },
  };
}

/** Ticks at whole numbers. */
export const WHOLE = { tickMinStep: 1, format: 'd' };

export function axis(orient: 'bottom' | 'left', title: string, ticks: Partial<Axis>): Axis {
  return { orient, scale: orient === 'bottom' ? 'x' : 'y', title, labelFont: FONT, titleFont: FONT, ...ticks };
}

/** Vega is large: loaded when a picture is asked for. */
export async function render(spec: Spec): Promise<string> {
  const { parse, View, Warn } = await import('vega');
  return new View(parse(spec), { renderer: 'none', logLevel: Warn }).toSVG();
}

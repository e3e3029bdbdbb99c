/** Documents in HTML that need nothing beside themselves. */

/** Of `recurve bench`: by it a page of an earlier run is known. */
export const PAGE_TITLE = 'recurve bench';

/** Pictures, and what is to be said of them below. */
export function page(title: string, pictures: readonly string[], notes: readonly string[]): string {
  return documentOf(title, STYLE, [...pictures, `<pre>${escaped(notes.join('\n'))}</pre>`]);
}

const STYLE =
  'body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 56rem } svg { max-width: 100%; height: auto } pre { overflow-x: auto }';

/** @param body parts in HTML, below a heading with the title */
export function documentOf(title: string, style: string, body: readonly string[]): string {
  return [
    '<!doctype html>',
    '<html lang="en">',
    `<head><meta charset="utf-8"><title>${escaped(title)}</title>`,
    `<style>${style}</style>`,
    `</head><body><h1>${escaped(title)}</h1>`,
    ...body,
    '</body></html>',
    '',
  ].join('\n');
}

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

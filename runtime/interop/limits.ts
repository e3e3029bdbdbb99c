/** Bytes of JSON that fit one string. */
export const MOST_JSON_BYTES = 2 ** 29 - 25;

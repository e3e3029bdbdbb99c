/// <reference lib="dom" preserve="true" />
export {};

/** Mistakes in a request's data, whatever cell they are for. */
import { parseCellSource, resolveOptions, resolveSignature } from '../../codegen/frontend/index.js';
import { requireRates, requireSymbols } from '../../runtime/data.js';
import { bindRequest } from '../../runtime/interop/bind.js';
import { parseJsonRequest } from '../../runtime/interop/json.js';
import { readRequest, readRequestFile } from '../../runtime/interop/request.js';
import { requireFinite } from '../../runtime/interop/response.js';
import { writeBeside } from '../../runtime/interop/write.js';
import { cellOf } from '../frontend/specs.js';
import { rnn } from '../interop/signatures.js';
import { type Witness, witness } from './witness.js';

/** The text of a request, read. */
const json = (text: string, found: string) => witness(() => parseJsonRequest(text, 'data.json'), found);
/** A request whose input `x` is this. */
const input = (tensor: string, found: string) => json(`{"inputs": {"x": ${tensor}}}`, found);
/** A request held to a cell with the input `x`, the state `h` and the parameters `W`, `U` and `b`. */
const bound = (text: string, found: string, cell = rnn()) =>
  witness(() => bindRequest(parseJsonRequest(text, 'data.json'), cell), found);

const ONE = '{"shape": [1, 1, 1], "data": [1]}';

/** A cell none of whose parameters tells the size of its state. */
function withoutMatrices() {
  const tree = parseCellSource(
    'mine.cell.ts',
    cellOf({
      imports: "import { cell, scalar, sum, vec } from 'recurve';",
      params: '{ r: scalar() }',
      body: 'return { h: h * p.r + sum(x) };',
    }),
  );
  return { signature: resolveSignature(tree, resolveOptions(tree, {})), outputs: { h: ['H'] } };
}

export const DATA = {
  'DATA-COUNT': input('{"shape": [1, 1, 2], "data": [1]}', 'has 1 numbers'),
  'DATA-DUPLICATE': json('{"inputs": {}, "inputs": {}}', '"inputs"'),
  'DATA-EMPTY': json('', 'data.json is empty'),
  'DATA-FILE': witness(() => readRequestFile('/nowhere/data.json'), '/nowhere/data.json'),
  'DATA-JSON': json('{"inputs": ', 'data.json is not JSON'),
  'DATA-KEY': json('{"input": {}}', '"input"'),
  'DATA-LENGTHS': json('{"lengths": [5, -1]}', 'lengths[1]'),
  'DATA-MISSING': bound('{"params": {}}', 'inputs.x'),
  'DATA-NAME': bound(`{"inputs": {"x": ${ONE}, "y": ${ONE}}, "params": {}}`, 'inputs.y'),
  'DATA-NESTED': input('{"shape": [1, 1, 1], "data": [[1]]}', 'inputs.x.data is nested'),
  'DATA-NONFINITE': input('{"shape": [1, 1, 1], "data": [1e999]}', 'Infinity'),
  'DATA-NUMBER': input('{"shape": [1, 1, 1], "data": ["1"]}', 'inputs.x.data[0]'),
  'DATA-OPTION': json('{"options": {"activation": null}}', 'options.activation'),
  'DATA-PARAMS': bound(`{"inputs": {"x": ${ONE}}}`, 'neither params nor weights'),
  'DATA-RANGE': input('{"shape": [1, 1, 1], "data": [1e39]}', '1e+39'),
  'DATA-RATE': witness(() => requireRates(['rate'], { rate: { shape: [], data: Float32Array.of(2) } }), 'params.rate is 2'),
  'DATA-SYMBOL': witness(
    () => requireSymbols('inputs.s', { shape: [2, 1], data: Float32Array.of(1, 3) }, 3),
    'inputs.s[1, 0] is 3',
  ),
  'DATA-SEED': json('{"seed": -1}', '-1'),
  'DATA-SHAPE': bound('{"inputs": {"x": {"shape": [1, 1], "data": [1]}}, "params": {}}', '[1, 1]'),
  'DATA-SIZE': input('{"shape": [0, 1, 1], "data": []}', 'size 0 along axis 0'),
  'DATA-SIZE-UNKNOWN': bound(
    `{"inputs": {"x": ${ONE}}, "params": {"r": {"shape": [], "data": [1]}}}`,
    'the size of H',
    withoutMatrices(),
  ),
  'DATA-TOO-LARGE': input('{"shape": [65536, 65536, 1], "data": []}', '65536'),
  'DATA-TYPE': json('{"inputs": 3}', 'the number 3'),
  'DATA-UTF8': witness(() => readRequest(Uint8Array.of(0x7b, 0xff, 0x7d), 'data.json'), 'data.json is not UTF-8'),
  'DATA-WRITE': witness(() => writeBeside('/nowhere/out.json', '{}'), '/nowhere/out.json'),
  'RESULT-NONFINITE': witness(
    () => requireFinite({ outputs: { h: { shape: [1, 2], data: Float32Array.of(0, Number.NaN) } }, state: {} }),
    'outputs.h[0, 1] came out as NaN',
  ),
} as const satisfies Readonly<Record<string, Witness>>;

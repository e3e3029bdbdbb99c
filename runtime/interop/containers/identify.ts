/** What a file is that holds no tensors we read, told by its content; its name only helps where the content is silent. */
import { RecurveError } from '../../../codegen/errors.js';
import { isNpy } from './npy.js';
import { FROM_PYTORCH } from './pickle.js';

/** A file or a line of nothing. `DATA-EMPTY` */
export function emptyFile(source: string): RecurveError {
  return new RecurveError({
    code: 'DATA-EMPTY',
    message: `${source} is empty`,
    fix: 'Look whether what writes it has come to its end, or give another file.',
    where: source,
  });
}

interface Kind {
  readonly is: (head: Head) => boolean;
  readonly what: string;
  readonly fix: string;
}

interface Head {
  readonly bytes: Uint8Array;
  /** The first bytes, one character each. */
  readonly text: string;
  readonly name: string;
}

const starts =
  (...marks: readonly string[]) =>
  (head: Head) =>
    marks.some((mark) => head.text.startsWith(mark));

const FROM_TF =
  'In Python: import tensorflow as tf; r = tf.train.load_checkpoint("FOLDER"); ' +
  'from safetensors.numpy import save_file; save_file({n: r.get_tensor(n) for n in r.get_variable_to_shape_map()}, "weights.safetensors")';
const FROM_FLAX =
  'In Python: from flax.serialization import msgpack_restore; from flax.traverse_util import flatten_dict; ' +
  'from safetensors.numpy import save_file; save_file(flatten_dict(msgpack_restore(open("FILE","rb").read()), sep="/"), "weights.safetensors")';
const UNPACK = 'Unpack it first.';
const AGAIN = 'Download it again: this is what the server said instead of the file.';

const KINDS: readonly Kind[] = [
  {
    is: starts('version https://git-lfs', 'version https://hawser'),
    what: 'a Git LFS pointer, not the file that it stands for',
    fix: 'Fetch the file itself: git lfs pull.',
  },
  { is: starts('\x1f\x8b'), what: 'compressed by gzip', fix: UNPACK.replace('first', 'with gunzip first') },
  { is: starts('\x28\xb5\x2f\xfd'), what: 'compressed by zstd', fix: UNPACK },
  { is: starts('BZh'), what: 'compressed by bzip2', fix: UNPACK },
  { is: starts('\xfd7zXZ'), what: 'compressed by xz', fix: UNPACK },
  { is: starts('7z\xbc\xaf\x27\x1c', 'Rar!'), what: 'a compressed archive', fix: UNPACK },
  {
    is: starts('GGUF', 'ggml', 'lmgg'),
    what: 'a GGUF file, in which quantized language models come',
    fix: 'Take the safetensors of the model.',
  },
  {
    is: ({ text }) => text.slice(4, 8) === 'TFL3',
    what: 'a TensorFlow Lite model',
    fix: 'Take the model that it was converted from; or convert it to ONNX (tf2onnx --tflite) and use recurve import.',
  },
  {
    is: ({ bytes }) => isNpy(bytes),
    what: 'one NumPy array without a name',
    fix: 'Save all of a layer by name: numpy.savez("weights.npz", kernel=…, …).',
  },
  {
    // The magic number that torch.save wrote before PyTorch 1.6.
    is: ({ text }) => text.slice(0, 40).includes('\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19'),
    what: 'a PyTorch file of the format before 1.6',
    fix: FROM_PYTORCH.replace('model.state_dict()', 'torch.load("FILE", map_location="cpu")'),
  },
  {
    is: ({ text }) => text.slice(257, 262) === 'ustar' || /^[^\0]+\0+[0-7 ]{6,7}\0/.test(text.slice(0, 120)),
    what: 'a tar archive',
    fix: `If torch.save wrote it, before PyTorch 0.2: ${FROM_PYTORCH.replace('model.state_dict()', 'torch.load("FILE", map_location="cpu")')}`,
  },
  {
    is: ({ bytes: [first, protocol = 0] }) => first === 0x80 && protocol >= 2 && protocol <= 5,
    what: 'a Python pickle, which only Python can read safely or not at all',
    fix: 'In Python: load it, and save its arrays with safetensors.numpy.save_file({name: array, …}, "weights.safetensors").',
  },
  {
    is: ({ bytes }) => sstable(bytes),
    what: 'the index of a TensorFlow checkpoint',
    fix: FROM_TF,
  },
  { is: starts('<!DOCTYPE', '<!doctype', '<html', '<HTML', '<?xml', '<Error'), what: 'a web page (HTML or XML)', fix: AGAIN },
  { is: starts('MATLAB 5.0'), what: 'a MATLAB file', fix: 'In Python: scipy.io.loadmat, then safetensors.numpy.save_file.' },
  {
    // The field `ir_version` of an ONNX model, or a TensorFlow graph's schema version, and a field of bytes behind it.
    is: ({ bytes: [first, version = 0, next = 0] }) => first === 8 && version > 0 && version < 16 && next % 8 === 2,
    what: 'a protocol buffer, such as an ONNX model or a TensorFlow graph',
    fix: `For an ONNX model: recurve import MODEL --out weights.safetensors. ${FROM_TF}`,
  },
  {
    is: ({ name }) => /\.msgpack$/i.test(name),
    what: 'a msgpack file, as Flax writes them',
    fix: FROM_FLAX,
  },
  { is: ({ name }) => /\.data-\d{5}-of-\d{5}$/.test(name), what: 'the data of a TensorFlow checkpoint', fix: FROM_TF },
  { is: ({ name }) => /\.(?:pb|ckpt|meta)$/i.test(name), what: 'a TensorFlow file', fix: FROM_TF },
];

/** The magic number at the end of a LevelDB table. */
function sstable(bytes: Uint8Array): boolean {
  const end = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb];
  return bytes.length > 48 && end.every((byte, k) => bytes[bytes.length - 8 + k] === byte);
}

/**
 * The error about a file of another kind, or `undefined` where it may be what it should.
 *
 * @param code `WEIGHTS-FILE` where weights are read, `DATA-FILE` where a request is
 */
export function ofAnotherKind(bytes: Uint8Array, source: string, code: 'WEIGHTS-FILE' | 'DATA-FILE'): RecurveError | undefined {
  // Byte by byte: `latin1` is windows-1252 to a TextDecoder, which moves 0x80 to 0x9f.
  const text = Array.from(bytes.subarray(0, 512), (byte) => String.fromCharCode(byte)).join('');
  const head: Head = { bytes, text, name: source };
  const kind = KINDS.find(({ is }) => is(head) || is({ ...head, text: head.text.trimStart() }));
  if (kind === undefined) return undefined;
  return new RecurveError({ code, message: `${source} is ${kind.what}`, fix: kind.fix, where: source });
}

/** What a JSON file is that is given as weights. */
export function jsonAsWeights(text: string, source: string): RecurveError {
  const has = (key: string) => text.slice(0, 100_000).includes(`"${key}"`);
  const [what, fix] = has('weight_map')
    ? [
        'is JSON: the index of a safetensors checkpoint in several files',
        'Give the file that its weight_map names for the layer.',
      ]
    : has('weightsManifest')
      ? [
          'is JSON: a TensorFlow.js model, whose weights lie in other files',
          'In Python: tensorflowjs_converter --input_format tfjs_layers_model --output_format keras, and give the .h5.',
        ]
      : has('inputs') && (has('params') || has('weights'))
        ? ['is JSON: a request', 'Give it to --data; --weights takes a file of weights alone.']
        : has('class_name') || has('model_type') || has('architectures')
          ? ['is JSON: the configuration of a model, without its weights', 'Give the file of its weights.']
          : [
              'is JSON, not a file of weights',
              'Give weights as safetensors, .h5, .keras, .npz or .pt; a whole request goes to --data.',
            ];
  return new RecurveError({ code: 'WEIGHTS-FILE', message: `${source} ${what}`, fix, where: source });
}

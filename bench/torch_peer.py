"""What `recurve bench --against torch` runs: rnn, gru and lstm in PyTorch, in the three ways that its users write them.

Requests come as lines of JSON on standard input, each has one line for an answer on standard output. It ends where its input does.
Numbers are float32 in base64, row-major. Weights are transposed as Keras has them, `[I, gates*H]` and `[H, gates*H]`, gates in PyTorch's
order (lstm i f g o, gru r z n).
"""

import base64
import ctypes
import json
import os
import sys
import time

# What libraries print must not come between the answers.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def answer(**fields):
    answers.write(json.dumps(fields) + "\n")
    answers.flush()


try:
    import torch
except ImportError as error:
    answer(missing=str(error))
    sys.exit(0)

ON_GPU = torch.cuda.is_available()
DEVICE = torch.device("cuda" if ON_GPU else "cpu")
# Ours computes in float32 throughout.
torch.backends.cudnn.allow_tf32 = False
torch.backends.cuda.matmul.allow_tf32 = False


def synchronize():
    if ON_GPU:
        torch.cuda.synchronize()


def tensor_of(given):
    numbers = torch.frombuffer(bytearray(base64.b64decode(given["data"])), dtype=torch.float32)
    return numbers.reshape(given["shape"]).to(DEVICE)


def plain(tensor):
    own = tensor.detach().cpu().contiguous()
    numbers = ctypes.string_at(own.data_ptr(), own.numel() * own.element_size())
    return {"shape": list(own.shape), "data": base64.b64encode(numbers).decode("ascii")}


def loop_over_steps(cell, reset, activations):
    """The function that runs all steps, written as a loop over them. It gives the outputs, then the final states."""
    first, *others = [getattr(torch, name) for name in activations]

    def rnn(driven, recurrent, inner, h):
        return (first(driven + h @ recurrent),)

    def lstm(driven, recurrent, inner, h, c):
        i, f, g, o = (driven + h @ recurrent).chunk(4, 1)
        c = first(f) * c + first(i) * others[0](g)
        return first(o) * others[1](c), c

    def gru_after(driven, recurrent, inner, h):
        x_r, x_z, x_n = driven.chunk(3, 1)
        h_r, h_z, h_n = (h @ recurrent).chunk(3, 1)
        r, z = first(x_r + h_r), first(x_z + h_z)
        n = others[0](x_n + r * (h_n + inner))
        return (n + z * (h - n),)

    def gru_before(driven, recurrent, inner, h):
        x_r, x_z, x_n = driven.chunk(3, 1)
        units = h.shape[1]
        h_r, h_z = (h @ recurrent[:, : 2 * units]).chunk(2, 1)
        r, z = first(x_r + h_r), first(x_z + h_z)
        n = others[0](x_n + (r * h) @ recurrent[:, 2 * units :])
        return (n + z * (h - n),)

    step = {"rnn": rnn, "lstm": lstm, "gru": gru_after if reset == "after" else gru_before}[cell]
    states = 2 if cell == "lstm" else 1

    def run(x, kernel, recurrent, bias, inner, *initial):
        # What x drives needs no state: one product for all steps.
        driven = x @ kernel + bias
        zeros = x.new_zeros(x.shape[1], recurrent.shape[0])
        state = initial if len(initial) > 0 else (zeros,) * states
        outputs = []
        for each in driven.unbind(0):
            state = step(each, recurrent, inner, *state)
            outputs.append(state[0])
        return (torch.stack(outputs), *state)

    return run


class Loop:
    """The loop, as it is or compiled."""

    def __init__(self, request, given):
        self.run = loop_over_steps(request["cell"], request["reset"], request["activations"])
        if request["form"] == "compile":
            self.run = torch.compile(self.run, dynamic=False)
        arguments = [given[name] for name in ("x", "kernel", "recurrentKernel", "bias")]
        self.inner = [] if given["inner"] is None else [given["inner"]]
        self.initial = given["initial"]
        self.wanted = [each.requires_grad_() for each in arguments + self.inner + self.initial]
        self.arguments = arguments + (self.inner or [None]) + self.initial

    def outputs(self):
        return self.run(*self.arguments)

    @staticmethod
    def unpack(gradients):
        return list(gradients)


class Module:
    """torch.nn's module of the cell: cuDNN's where there is CUDA."""

    def __init__(self, request, given):
        cell, inner = request["cell"], given["inner"]
        inputs, units = given["kernel"].shape[0], given["recurrentKernel"].shape[0]
        options = {"nonlinearity": request["activations"][0]} if cell == "rnn" else {}
        self.module = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[cell](inputs, units, **options).to(DEVICE)
        self.inner = slice(-units, None) if inner is not None else None
        weights = self.module
        with torch.no_grad():
            weights.weight_ih_l0.copy_(given["kernel"].t())
            weights.weight_hh_l0.copy_(given["recurrentKernel"].t())
            weights.bias_ih_l0.copy_(given["bias"])
            weights.bias_hh_l0.zero_()
            if inner is not None:
                weights.bias_hh_l0[self.inner].copy_(inner)
        self.x = given["x"].requires_grad_()
        self.initial = [state.unsqueeze(0).requires_grad_() for state in given["initial"]]
        own = [weights.weight_ih_l0, weights.weight_hh_l0, weights.bias_ih_l0, weights.bias_hh_l0]
        self.wanted = [self.x] + own + self.initial

    def outputs(self):
        initial = self.initial
        state = None if len(initial) == 0 else tuple(initial) if len(initial) == 2 else initial[0]
        outputs, final = self.module(self.x, state)
        finals = final if isinstance(final, tuple) else (final,)
        return (outputs, *[each.squeeze(0) for each in finals])

    def unpack(self, gradients):
        x, kernel, recurrent, bias, hidden, *initial = gradients
        inner = [] if self.inner is None else [hidden[self.inner]]
        return [x, kernel.t(), recurrent.t(), bias] + inner + [each.squeeze(0) for each in initial]


class Layer:
    def __init__(self, request):
        tensors = request["tensors"]
        given = {name: tensor_of(tensors[name]) for name in ("x", "kernel", "recurrentKernel", "bias")}
        given["inner"] = tensor_of(tensors["inner"]) if tensors.get("inner") else None
        given["initial"] = [tensor_of(each) for each in tensors["initial"]]
        self.form = (Module if request["form"] == "module" else Loop)(request, given)
        self.cotangents = [tensor_of(each) for each in [tensors["cotangent"], *tensors["ofFinals"]]]

    def asked(self):
        return self.form.outputs()[: len(self.cotangents)]

    def forward(self):
        with torch.no_grad():
            return self.asked()

    def both(self):
        outputs = self.asked()
        return outputs, torch.autograd.grad(outputs, self.form.wanted, self.cotangents)


def timed(run):
    """In milliseconds, from calling it until the device is done."""
    synchronize()
    begin = time.perf_counter()
    run()
    synchronize()
    return 1000 * (time.perf_counter() - begin)


def serve(layers, request):
    do, name = request["do"], request["layer"]
    if do == "build":
        layers[name] = Layer(request)
        return {}
    if do == "drop":
        layers.pop(name, None)
        return {}
    layer = layers[name]
    if do == "read":
        (h, *finals), gradients = layer.both()
        found = layer.form.unpack(gradients)
        return {"h": plain(h), "finals": [plain(each) for each in finals], "gradients": [plain(each) for each in found]}
    return {"ms": timed(layer.forward if do == "forward" else layer.both)}


def main():
    answer(
        torch=torch.__version__,
        gpu=torch.cuda.get_device_name() if ON_GPU else None,
        threads=torch.get_num_threads(),
        compiles=hasattr(torch, "compile"),
    )
    layers = {}
    for line in sys.stdin:
        try:
            answer(**serve(layers, json.loads(line)))
        except Exception as error:
            lines = str(error).strip().splitlines()
            answer(error=f"{type(error).__name__}: {lines[0] if lines else ''}")


main()

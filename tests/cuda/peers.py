#!/usr/bin/env python3
"""What PyTorch takes on the same GPU, as the lines of a Markdown table.

NEM in half precision, channels last, as a captured CUDA graph; DWM on a 1080p
RGB tensor; both in one graph with the preprocessing, from planar RGB.
"""

import sys

try:
    import torch
    import torch.nn.functional as F
except ImportError as missing:
    sys.exit(f'peers.py needs {missing.name}')

if not torch.cuda.is_available():
    print('no CUDA device')
    sys.exit(77)

torch.backends.cudnn.benchmark = True
DEVICE = torch.device('cuda')
MEAN = torch.tensor([0.485, 0.456, 0.406], device=DEVICE).half().view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225], device=DEVICE).half().view(1, 3, 1, 1)


class Block(torch.nn.Module):
    def __init__(self, n):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(n, 2 * n, 3, padding=1)
        self.bn1 = torch.nn.BatchNorm2d(2 * n)
        self.conv2 = torch.nn.Conv2d(2 * n, 2 * n, 3, padding=1)
        self.bn2 = torch.nn.BatchNorm2d(2 * n)

    def forward(self, x):
        x = self.conv1(F.avg_pool2d(x, 5, 4, 1))
        return x + F.relu(self.bn2(self.conv2(F.relu(self.bn1(x)))))


class Nem(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = torch.nn.Conv2d(3, 64, 3, padding=1)
        self.bn = torch.nn.BatchNorm2d(64)
        self.blocks = torch.nn.Sequential(Block(64), Block(128), Block(256))
        self.head = torch.nn.Linear(512, 37)

    def forward(self, x):
        x = self.blocks(F.relu(self.bn(self.stem(x))))
        return self.head(x.mean((2, 3)))


def dwm(frame, params):
    matrix, shift, kernel = params[0, :9], params[0, 9:12], params[0, 12:]
    x = (frame - MEAN) / STD + shift.view(1, 3, 1, 1)
    x = torch.einsum('ndhw,dc->nchw', x, matrix.view(3, 3))
    x = F.conv2d(x, kernel.view(1, 1, 5, 5).expand(3, 1, 5, 5), padding=2, groups=3)
    return (x * STD + MEAN).clamp(0, 1)


def whole(nem, frame):
    scale = 232 / min(frame.shape[2:])
    small = F.interpolate(frame, scale_factor=scale, mode='area')
    top, left = (small.shape[2] - 224) // 2, (small.shape[3] - 224) // 2
    crop = small[:, :, top:top + 224, left:left + 224]
    return dwm(frame, nem(((crop - MEAN) / STD).contiguous(memory_format=torch.channels_last)))


def microseconds(function):
    """The median over captured replays."""
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for _ in range(5):
            function()
    stream.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        function()
    times = []
    for _ in range(9):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        for _ in range(200):
            graph.replay()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) * 1000 / 200)
    return sorted(times)[len(times) // 2]


with torch.inference_mode():
    network = Nem().to(DEVICE).half().eval().to(memory_format=torch.channels_last)
    crop = torch.randn(1, 3, 224, 224, device=DEVICE).half().contiguous(
        memory_format=torch.channels_last)
    image = torch.rand(1, 3, 1080, 1920, device=DEVICE).half()
    numbers = torch.randn(1, 37, device=DEVICE).half()
    print(f'PyTorch {torch.__version__}, {torch.cuda.get_device_name()}\n')
    print('| PyTorch, half, CUDA graph | microseconds |\n|---|---|')
    print(f'| NEM, channels last | {microseconds(lambda: network(crop)):.1f} |')
    print(f'| DWM, 1080p planar RGB | {microseconds(lambda: dwm(image, numbers)):.1f} |')
    print(f'| whole | {microseconds(lambda: whole(network, image)):.1f} |')

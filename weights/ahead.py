# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Arrays made ahead by processes, in order: threads would hold each other up, and the
network's next step, by the interpreter's lock."""

import mmap
import multiprocessing
import os
import signal

import numpy as np

AHEAD = 2  # results that a process may be ahead


def made_ahead(make, numbers, shape, workers):
    """Yields make(number) for each of the numbers, as `workers` processes make them: pairs
    of a uint8 array of `shape` and whatever else, which is pickled. The arrays go through
    memory that is shared; /dev/shm is often small."""
    size = int(np.prod(shape))
    room = np.frombuffer(mmap.mmap(-1, workers * AHEAD * size), np.uint8)
    room = room.reshape(workers, AHEAD, *shape)
    workers = min(workers, len(numbers))
    context = multiprocessing.get_context("fork")
    pipes, processes = [], []
    try:
        for worker in range(workers):
            ours, theirs = context.Pipe()
            pipes.append(ours)
            processes.append(context.Process(
                target=_work, daemon=True,
                args=(make, numbers[worker::workers], room[worker], theirs, pipes)))
            processes[-1].start()
            theirs.close()
        for i in range(len(numbers)):
            turn, worker = divmod(i, workers)
            try:
                rest = pipes[worker].recv()
            except (EOFError, ConnectionError):
                raise RuntimeError("a process that makes batches was killed") from None
            if isinstance(rest, Exception):
                raise rest
            array = room[worker, turn % AHEAD].copy()
            try:
                pipes[worker].send(None)
            except ConnectionError:
                pass  # it has made its last
            yield array, rest
    finally:
        for pipe in pipes:
            pipe.close()  # which ends who is still at work
        for process in processes:
            process.join()


def _work(make, numbers, room, pipe, others):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for other in others:  # else none would notice that the parent is gone
        other.close()
    try:
        for turn, number in enumerate(numbers):
            if turn >= AHEAD:
                pipe.recv()  # what lies there has been taken
            room[turn % AHEAD], rest = make(number)
            pipe.send(rest)
    except (EOFError, ConnectionError):
        pass  # nobody wants more
    except Exception as why:
        pipe.send(why)
    os._exit(0)

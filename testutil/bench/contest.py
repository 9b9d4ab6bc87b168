"""The Python side of a benchmark: cases by name, timed in slots. Times are in nanoseconds."""

import gc
import time

import serve

_cases = {}
_work = None


def case(function):
    """Registers a function that prepares a case and returns the call to be timed."""
    _cases[function.__name__] = function
    return function


def _prepare(request):
    global _work
    _work = None  # frees the memory of the case before
    gc.collect()
    _work = _cases[request["case"]](**(request["arguments"] or {}))


def _slot(request):
    shortest, longest, calls = request["shortest"], request["longest"], request["calls"]
    work, clock = _work, time.perf_counter_ns
    best, done, start = None, 0, clock()
    while True:
        before = clock()
        work()
        now = clock()
        if best is None or now - before < best:
            best = now - before
        done += 1
        if now - start >= shortest and (done >= calls or now - start >= longest):
            return best


def run(versions):
    gc.disable()  # a collection in the middle of a call would be held against the library
    serve.run(prepare=_prepare, slot=_slot, versions=lambda _: versions)

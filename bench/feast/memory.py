"""Ends a script of Feast's offline side before it takes the machine's memory."""
import resource

CAP = 12 * 2**30


def cap():
    resource.setrlimit(resource.RLIMIT_DATA, (CAP, CAP))

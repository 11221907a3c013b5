"""Millrace from Python: features, training sets, events and SQL as data frames.

    import millrace

    with millrace.connect() as m:
        training = m.training_set("delay_model", spine)
        online = m.read("delay_model", entities)
"""

from ._client import Client, Producer, connect
from ._dataset_requests import (
    Dataset,
    DatasetDiff,
    Difference,
    Events,
    Grid,
    PinnedView,
    Query,
    ServerFile,
)
from ._datasets import Datasets
from ._definitions import Definition, Feature
from ._errors import MillraceError, MillraceWarning
from ._explanations import Explanation
from ._publishing import Published, RejectedEvent
from ._reads import Answer, Part, ViewState
from ._sql import Column, Table

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "Client",
    "Column",
    "Dataset",
    "DatasetDiff",
    "Datasets",
    "Definition",
    "Difference",
    "Events",
    "Explanation",
    "Feature",
    "Grid",
    "MillraceError",
    "MillraceWarning",
    "Part",
    "PinnedView",
    "Producer",
    "Published",
    "Query",
    "RejectedEvent",
    "ServerFile",
    "Table",
    "ViewState",
    "__version__",
    "connect",
]

"""Runs a notebook: run_notebook.py NOTEBOOK. It prints some of its values as JSON."""

import json
import os
import sys

import nbformat
from nbclient import NotebookClient

path = sys.argv[1]
notebook = nbformat.read(path, as_version=4)
nbformat.validate(notebook)
stored = sum(len(cell.get("outputs", [])) for cell in notebook.cells)
probe = (
    "import json; print(json.dumps({'auc': auc, 'compared': compared, "
    "'rows': len(training), 'dataset': dataset.reference}))"
)
notebook.cells.append(nbformat.v4.new_code_cell(probe))
NotebookClient(
    notebook,
    timeout=120,
    kernel_name="python3",
    resources={"metadata": {"path": os.path.dirname(path)}},
).execute()
values = json.loads(notebook.cells[-1]["outputs"][0]["text"])
print(json.dumps({**values, "stored": stored}))

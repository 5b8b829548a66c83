"""What scoring imports stays light: neither torch nor transformers, nor another library of an extra."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
HEAVY = {
    "datasets",
    "docx",
    "duckdb",
    "fastapi",
    "fsspec",
    "ftfy",
    "jinja2",
    "lxml",
    "matplotlib",
    "odfdo",
    "onnx",
    "pandas",
    "py3langid",
    "pypdf",
    "scipy",
    "sklearn",
    "spacy",
    "torch",
    "trafilatura",
    "transformers",
}
TRAINING = {"torch", "transformers"}
# What only reading files, comparing texts and saving models need.
LATER = {
    *("certainty.comparison", "certainty.documents", "certainty.tables", "certainty.writing"),
    *("secrets", "shutil", "subprocess", "tempfile", "zipfile"),
}

# Each file is imported by its name; a package that needs torch is not so much as entered.
_LIGHT_MODULES = """
NOT_LIGHT = ("__main__", "engines.modeling", "engines.torch", "finetuning", "spacy")
from importlib import import_module
from pathlib import Path
import certainty
root = Path(certainty.__file__).parent
for path in sorted(root.rglob("*.py")):
    name = ".".join(("certainty", *path.relative_to(root).with_suffix("").parts)).removesuffix(".__init__")
    if not name.startswith(tuple(f"certainty.{part}" for part in NOT_LIGHT)):
        import_module(name)
"""


def imported(code: str) -> set[str]:
    """Return the modules of a fresh Python that has run the code."""
    program = f"{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_scoring_imports_no_library_of_an_extra() -> None:
    code = "from certainty.cli import main; main(['score', 'docs/examples/article.txt'])"
    assert "onnxruntime" in (modules := imported(code))
    assert modules & HEAVY == set()


def test_the_package_imports_only_what_scoring_needs() -> None:
    assert "certainty.classifier" in (modules := imported("import certainty"))
    assert modules & HEAVY == set()
    assert modules & LATER <= imported(
        "import numpy, tokenizers"
    )  # old releases of which need some of these themselves
    asked = "import certainty; from certainty import *; assert certainty.compare is compare and read_files"
    assert {"certainty.comparison", "certainty.documents.files"} <= imported(asked)


def test_no_module_imports_torch_but_those_that_need_it() -> None:
    assert "certainty" in (modules := imported(_LIGHT_MODULES))
    assert modules & TRAINING == set()

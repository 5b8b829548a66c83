"""List the licences of all that `pip install 'certainty-fr[all]'` installs: `python docs/list_licences.py`.

Writes `docs/pages/reference/licences.md`. Needs Python 3.11 or later and an environment with all extras; packages
that are not installed, such as those for another platform, are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import tomllib
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).parent.parent
PAGE = REPOSITORY / "docs/pages/reference/licences.md"
CORE = "itself"
_HEAD = """# Licences

certainty is under the Apache License 2.0, its data under the licences of `training/data/LICENSE`. These are the
licences of the packages that it needs, and those that these need in turn, as the packages state them. *Itself* is what
`pip install certainty-fr` installs.

None of what is needed for scoring and serving limits how you use or distribute a product, except that changes of
packages under the MPL must be published.
`python docs/list_licences.py` writes this page.

| package | licence | needed by |
|---|---|---|
"""
_LONGEST = 60  # characters of a licence field; some packages put the whole text there


def declared() -> dict[str, list[Requirement]]:
    """Return the requirements of the package itself and of each extra."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = {CORE: project["dependencies"], **project["optional-dependencies"]}
    return {name: list(map(Requirement, lines)) for name, lines in groups.items() if name != "all"}


def needed(requirements: list[Requirement]) -> Iterator[str]:
    """Yield the names of the requirements that are installed, and of all that they need."""
    waiting, done = list(requirements), set()
    while waiting:
        requirement = waiting.pop()
        name, extras = canonicalize_name(requirement.name), requirement.extras
        if (name, *sorted(extras)) in done or name == "certainty-fr":
            continue
        done.add((name, *sorted(extras)))
        try:
            inner = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        yield name
        for line in map(Requirement, inner):
            if line.marker is None or any(line.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                waiting.append(line)


def licence(name: str) -> str:
    """Return the licence that a package states."""
    stated = metadata.metadata(name)
    if expression := stated.get("License-Expression"):
        return expression
    prefix = "License :: OSI Approved :: "
    classified = [line.removeprefix(prefix) for line in stated.get_all("Classifier", []) if line.startswith(prefix)]
    if classified:
        return ", ".join(classified)
    field = (stated.get("License") or "").strip().split("\n")[0]
    return field if 0 < len(field) <= _LONGEST else "see the package"


def main() -> None:
    """Write the page."""
    users: dict[str, list[str]] = {}
    for extra, requirements in declared().items():
        for name in dict.fromkeys(needed(requirements)):
            users.setdefault(name, []).append(extra)
    rows = [
        f"| {name} | {re.sub(r'[|<>]', ' ', licence(name))} | {CORE if CORE in extras else ', '.join(extras)} |"
        for name, extras in sorted(users.items())
    ]
    PAGE.write_text(_HEAD + "\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

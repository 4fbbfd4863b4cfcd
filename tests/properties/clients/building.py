"""Building the example clients, as they are or with a slip in them, under compilers that take no warning."""

from __future__ import annotations

import pytest

from mmprops.examples.build import compiled, write


class Builder:
    """Builds each example once."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self._folders = folders
        self._built: dict[tuple[str, ...], str] = {}

    def client(self, language: str, before: str = "", after: str = "", machine: str = "buddy") -> str:
        """Return the name on the command line of a client, ``before`` changed to ``after`` in its source."""
        key = machine, language, before, after
        if key not in self._built:
            page = write(machine, language, self._folders.mktemp(language))
            if before:
                source = page.read_text()
                assert source.count(before) == 1
                page.write_text(source.replace(before, after))
            self._built[key] = compiled(language, page, picky=True)
        return self._built[key]

"""``report.html``: everything that is known about the law and its implementations, on one page that needs no network.

``gather`` collects the facts as one JSON object, ``stories`` tells programs step by step, ``page`` puts the object into the
template of the folder ``page/``. What is not known here is named, with the command that finds it out.
"""

from __future__ import annotations

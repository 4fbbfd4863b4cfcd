"""The law: an executable reference specification of the Linux memory-management subsystem (6.12).

Start with `promises.py`, the declarative law; each component below `physical/`, `virtual/` and `pressure/` says how
Linux keeps it.
"""

from __future__ import annotations

__version__ = "0.1.0"
